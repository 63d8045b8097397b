/** nginx and haproxy as deploy/ configures them, before real nodes: what clients and nodes see of each other through them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { closeCodes, jsonCodec, limits } from "@suda/protocol";
import { defaultConnectionBounds } from "@suda/server";
import { HandshakeRefused, RawWebSocket } from "@suda/testing";
import { read } from "../repository/repository.ts";
import { balancers, type Balancer } from "./balancers.ts";
import { apiKey, BreakingNode, TestNode } from "./nodes.ts";

const handshake = (url: string, options: { localAddress?: string; headers?: Record<string, string>; onClose?: (code: number) => void } = {}) =>
  RawWebSocket.open(`${url}/v1/socket`, { subprotocol: jsonCodec.subprotocol, onMessage: () => {}, ...options });

/** @returns 101, or the status of the refusal */
async function statusOfHandshake(url: string, options: Parameters<typeof handshake>[1]): Promise<number> {
  try {
    await using socket = await handshake(url, options);
    return socket.isOpen ? 101 : 0;
  } catch (error) {
    if (error instanceof HandshakeRefused) return error.status;
    throw error;
  }
}

/** Connections, spread over nodes. */
class Crowd implements AsyncDisposable {
  readonly #sockets: RawWebSocket[] = [];
  readonly closeCodes: number[] = [];

  async join(url: string, count: number): Promise<void> {
    for (let number = 0; number < count; number++) this.#sockets.push(await handshake(url, { onClose: (code) => this.closeCodes.push(code) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) await socket[Symbol.asyncDispose]();
  }
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly code: unknown;
  readonly retryable: unknown;
}

async function answerOf(response: Response): Promise<Answer> {
  const { type, code, retryable } = (await response.json()) as Record<string, unknown>;
  assert.equal(type, "error");
  return { status: response.status, type: response.headers.get("content-type"), code, retryable };
}

const post = (url: string, body: string | ReadableStream, path = "/v1/conversations"): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
    body,
    ...({ duplex: "half" } as object),
  });

/** A new group as JSON of exactly so many bytes; it is blanks that make it long. */
function groupOf(bytes: number): string {
  const group = JSON.stringify({ members: ["alice"] });
  return group + " ".repeat(bytes - group.length);
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endsAt = performance.now() + 15_000; !(await isSo()); await sleep(50))
    if (performance.now() > endsAt) throw new Error(`Not so after 15 s: ${what}`);
}

for (const [name, kind] of Object.entries(balancers))
  describe(`${name} as deploy/ configures it`, { skip: kind.skip, timeout: 120_000 }, () => {
    const open = (...nodes: readonly { readonly port: number }[]): Promise<Balancer> => kind.open(nodes.map(({ port }) => port));

    test("the node knows its client's address, whatever the client writes, and believes nobody but the balancer", async () => {
      const limit = ["--connects-per-second", "1", "--connects-burst", "3"];
      await using node = await TestNode.open(limit);
      await using balancer = await open(node);
      const statuses: number[] = [];
      for (let number = 1; number <= 4; number++)
        statuses.push(await statusOfHandshake(balancer.url, { localAddress: "127.0.0.2", headers: { "X-Forwarded-For": `9.9.9.${number}` } }));
      assert.deepEqual(statuses, [101, 101, 101, 429], "one address, in spite of the four that it wrote");
      assert.equal(await statusOfHandshake(balancer.url, { localAddress: "127.0.0.3" }), 101, "its neighbour is another client");
      // The same without the setting: all clients are the balancer.
      await using deaf = await TestNode.open([...limit, "--trusted-proxies", "192.0.2.1"]);
      await using before = await open(deaf);
      const alike: number[] = [];
      for (let number = 2; number <= 5; number++) alike.push(await statusOfHandshake(before.url, { localAddress: `127.0.0.${number}` }));
      assert.deepEqual(alike, [101, 101, 101, 429]);
    });

    test("connections are spread by their number, and an operator empties a node while they stay where they are", async () => {
      await using one = await TestNode.open();
      await using two = await TestNode.open();
      await using balancer = await open(one, two);
      const counts = async (): Promise<number[]> => [await one.connections(), await two.connections()];
      await using crowd = new Crowd();
      await crowd.join(balancer.url, 10);
      assert.deepEqual(await counts(), [5, 5]);
      await balancer.rest(one.port);
      await crowd.join(balancer.url, 4);
      assert.deepEqual(await counts(), [5, 9], "new ones go elsewhere, and nobody was sent away");
      await balancer.use(one.port);
      await crowd.join(balancer.url, 4);
      // nginx counts anew after a reload, and haproxy does not.
      assert.ok((await one.connections()) > 5, String(await counts()));
      assert.deepEqual(crowd.closeCodes, []);
    });

    test("a node that stops tells its clients 1012 through the balancer, and gets no new ones", async () => {
      await using one = await TestNode.open();
      await using two = await TestNode.open();
      await using balancer = await open(one, two);
      await using crowd = new Crowd();
      // It does not read, so that the node has to wait for it.
      await using idle = await handshake(one.url);
      idle.socket.pause();
      await crowd.join(balancer.url, 8);
      assert.deepEqual([await one.connections(), await two.connections()], [5, 4]);
      const stopped = one.stop();
      await until("the clients of the node were told", () => crowd.closeCodes.length === 4);
      assert.deepEqual([...new Set(crowd.closeCodes)], [closeCodes.restart.code]);
      // While the node drains, and after it.
      await crowd.join(balancer.url, 5);
      await stopped;
      await crowd.join(balancer.url, 5);
      assert.equal(await two.connections(), 14);
      assert.equal((await fetch(`${balancer.url}/v1/conversations`)).status, 401, "requests find the other node as well");
    });

    test("a node that is full passes a handshake on to the other", async () => {
      await using small = await TestNode.open(["--max-connections", "1"]);
      await using large = await TestNode.open();
      await using balancer = await open(small, large);
      await using crowd = new Crowd();
      await crowd.join(small.url, 1);
      await crowd.join(balancer.url, 6);
      assert.deepEqual([await small.connections(), await large.connections()], [1, 6]);
    });

    test("nodes that were away and are back take as many connections as come", async () => {
      await using one = await TestNode.open();
      await using two = await TestNode.open();
      await using balancer = await open(one, two);
      await Promise.all([one.stop(), two.stop()]);
      for (let number = 0; number < 4; number++) assert.notEqual(await statusOfHandshake(balancer.url, {}), 101);
      await using again = await TestNode.open(["--port", String(one.port)]);
      await using both = await TestNode.open(["--port", String(two.port)]);
      // They stay: nothing that ends tells the balancer how it went.
      await using crowd = new Crowd();
      await until("one is let through", () =>
        crowd.join(balancer.url, 1).then(
          () => true,
          (error: unknown) => {
            if (error instanceof HandshakeRefused) return false;
            throw error;
          },
        ),
      );
      await crowd.join(balancer.url, 20);
      assert.equal((await again.connections()) + (await both.connections()), 21);
    });

    test("a GET whose node breaks is asked of another one; what changes something never is", async () => {
      await using first = await BreakingNode.open();
      await using second = await BreakingNode.open();
      {
        await using balancer = await open(first, second);
        const answer = await answerOf(await post(balancer.url, "{}"));
        assert.deepEqual([answer.status, answer.code, answer.retryable, answer.type], [502, "server.internal", true, "application/json"]);
        assert.equal(first.requests.length + second.requests.length, 1, "the one request went to one node");
      }
      await using node = await TestNode.open();
      await using balancer = await open(first, node);
      const statuses = new Set<number>();
      for (let number = 0; number < 6; number++) statuses.add((await fetch(`${balancer.url}/v1/conversations`)).status);
      assert.deepEqual([...statuses], [401]);
      assert.ok(
        first.requests.concat(second.requests).some((line) => line.startsWith("GET ")),
        "one of them met the broken node",
      );
    });

    test("a body over the bound is refused as the node refuses it, and one within it arrives", async () => {
      await using node = await TestNode.open();
      await using balancer = await open(node);
      const tooLarge = groupOf(limits.frameMaxBytes + 1);
      const own = await answerOf(await post(node.url, tooLarge));
      assert.deepEqual([own.status, own.code], [413, "frame.too_large"]);
      assert.deepEqual(await answerOf(await post(balancer.url, tooLarge)), own);
      const chunked = new Blob([tooLarge]).stream();
      assert.deepEqual(await answerOf(await post(balancer.url, chunked)), own, "without a Content-Length too");
      assert.equal((await post(balancer.url, groupOf(limits.frameMaxBytes))).status, 200);
    });

    test("what is for your own network is not passed on", async () => {
      await using node = await TestNode.open();
      await using balancer = await open(node);
      const own = await answerOf(await fetch(`${node.url}/v2/nothing`));
      for (const path of ["/metrics", "/healthz", "/readyz", "/v2/nothing", "/v1", "/docs/x"]) {
        assert.deepEqual(await answerOf(await fetch(`${balancer.url}${path}`)), own, path);
      }
      for (const path of ["/docs", "/openapi.json", "/asyncapi.json", "/"]) assert.equal((await fetch(`${balancer.url}${path}`)).status, 200, path);
    });
  });

test("haproxy asks each node whether it is ready, and leaves one out that is not", { skip: balancers.haproxy.skip, timeout: 60_000 }, async () => {
  await using broken = await BreakingNode.open();
  await using node = await TestNode.open();
  await using balancer = await balancers.haproxy.open([broken.port, node.port]);
  broken.isReady = false;
  await until("it is left out", () => /node-1 is DOWN/.test(balancer.output));
  const before = broken.requests.length;
  for (let number = 0; number < 6; number++) assert.notEqual((await post(balancer.url, "{}")).status, 502);
  assert.equal(broken.requests.length, before);
  broken.isReady = true;
  await until("it is back", () => /node-1 is UP/.test(balancer.output));
});

test("nginx asks before a handshake whether a node is ready, so one that hangs keeps nobody", { skip: balancers.nginx.skip, timeout: 60_000 }, async () => {
  await using hanging = await TestNode.open();
  await using node = await TestNode.open();
  await using balancer = await balancers.nginx.open([hanging.port, node.port]);
  hanging.pause();
  await using crowd = new Crowd();
  await crowd.join(balancer.url, 4);
  assert.equal(await node.connections(), 4);
});

test("both wait for longer than a heartbeat and its answer take, and nginx takes bodies as long as the server does", () => {
  const { heartbeatMs, heartbeatTimeoutMs } = defaultConnectionBounds;
  // With the jitter of a fifth.
  const silenceMs = heartbeatMs * 1.2 + heartbeatTimeoutMs;
  const nginx = read("deploy/nginx/suda.conf");
  const haproxy = read("deploy/haproxy/haproxy.cfg");
  const of = (text: string, expression: RegExp): number => Number(expression.exec(text)?.[1]);
  for (const [text, expression] of [
    [nginx, /^ {2}proxy_read_timeout (\d+)s;$/m],
    [nginx, /^ {2}proxy_send_timeout (\d+)s;$/m],
    [haproxy, /^ {2}timeout tunnel (\d+)s$/m],
    [haproxy, /^ {2}timeout client (\d+)s$/m],
  ] as const)
    assert.ok(of(text, expression) * 1_000 > silenceMs, String(expression));
  assert.equal(of(nginx, /^ {2}client_max_body_size (\d+);$/m), limits.frameMaxBytes);
});
