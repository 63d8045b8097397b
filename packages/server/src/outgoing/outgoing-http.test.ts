/** Outgoing requests against real sockets on loopback, which the tests put on the allow-list. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { freePort, ManualClock } from "@suda/testing";
import { getGlobalDispatcher } from "undici";
import { OutgoingError } from "./outgoing-error.ts";
import { OutgoingHttp } from "./outgoing-http.ts";
import type { Resolver } from "./resolver.ts";

const loopback = { addresses: { allow: ["127.0.0.0/8"] } };

test("a POST arrives whole, and its answer comes back", async () => {
  const requests: string[] = [];
  await using target = await Target.http((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      requests.push(
        `${method} ${url} ${headers["content-type"] ?? ""} ${headers["accept-encoding"] ?? ""} ${headers.host ?? ""} ${Buffer.concat(chunks).toString()}`,
      );
      response.writeHead(201, { "x-answer": ["a", "b"] }).end("좋아요");
    });
  });
  await using http = new OutgoingHttp(loopback);
  const answer = await http.post({ url: `${target.url}/hook?a=1`, headers: { "content-type": "application/json" }, body: '{"text":"안녕"}' });
  equal(answer.status, 201);
  equal(Buffer.from(answer.body).toString(), "좋아요");
  equal(answer.headers["x-answer"], "a, b");
  deepEqual(requests, [`POST /hook?a=1 application/json identity 127.0.0.1:${target.port} {"text":"안녕"}`]);
});

test("a status that is not 2xx is an error with the status, and the wait that was asked for", async () => {
  let status = 500;
  await using target = await Target.http((_request, response) => void response.writeHead(status, status === 503 ? { "retry-after": "7" } : {}).end("sorry"));
  await using http = new OutgoingHttp(loopback);
  for (status of [400, 404, 410, 500]) await rejects(post(http, target), { code: "outgoing.status", status, retryAfterMs: undefined });
  status = 503;
  await rejects(post(http, target), { code: "outgoing.status", status: 503, retryAfterMs: 7_000 });
  status = 204;
  equal((await post(http, target)).status, 204);
});

test("no redirect is followed", async () => {
  let asked = 0;
  await using second = await Target.http((_request, response) => {
    asked++;
    response.end("secret");
  });
  let status = 0;
  await using first = await Target.http((_request, response) => void response.writeHead(status, { location: second.url }).end());
  await using http = new OutgoingHttp(loopback);
  for (status of [300, 301, 302, 303, 304, 307, 308]) await rejects(post(http, first), { code: "outgoing.redirect", status });
  equal(asked, 0);
  // The same set-up reaches it when it is asked for.
  equal((await post(http, second)).status, 200);
  equal(asked, 1);
});

test("an answer of as many bytes as allowed is read, one more is not, and 100 MB end early", async () => {
  let size = 0;
  let written = 0;
  await using target = await Target.http((_request, response) => {
    written = 0;
    const write = (): void => {
      while (written < size) {
        const part = Math.min(65_536, size - written);
        written += part;
        if (!response.write(Buffer.alloc(part))) {
          response.once("drain", write);
          return;
        }
      }
      response.end();
    };
    response.on("error", () => {});
    write();
  });
  await using http = new OutgoingHttp(loopback);
  size = 1_000;
  equal((await post(http, target, { maxResponseBytes: 1_000 })).body.byteLength, 1_000);
  size = 1_001;
  await rejects(post(http, target, { maxResponseBytes: 1_000 }), { code: "outgoing.too_large" });
  size = 104_857_600;
  await rejects(post(http, target), { code: "outgoing.too_large" });
  await target.idle();
  ok(written < 20_000_000, `${written} bytes were written before the connection ended`);
  size = 0;
  equal((await post(http, target, { maxResponseBytes: 0 })).body.byteLength, 0);
});

test("headers over their limit are not read", async () => {
  let length = 0;
  await using target = await Target.http((_request, response) => void response.writeHead(200, { "x-long": "x".repeat(length) }).end());
  await using http = new OutgoingHttp({ ...loopback, maxHeaderBytes: 4_096 });
  length = 3_000;
  equal((await post(http, target)).status, 200);
  length = 5_000;
  await rejects(post(http, target), { code: "outgoing.too_large" });
});

test("an answer ends within its time: silent, dripping headers, or dripping a body", async () => {
  const beginnings = { silent: "", "dripping headers": "HTTP/1.1 200 OK\r\nx-drip: ", "dripping body": "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" };
  for (const [name, beginning] of Object.entries(beginnings)) {
    await using target = await Target.tcp((socket) => {
      socket.write(beginning);
      if (name === "silent") return;
      const timer = setInterval(() => socket.write("a"), 10);
      socket.on("close", () => clearInterval(timer));
    });
    const clock = new ManualClock();
    await using http = new OutgoingHttp({ ...loopback, clock });
    const sent = post(http, target, { timeoutMs: 15_000 });
    const refused = rejects(sent, { code: "outgoing.timeout" }, name);
    await target.connected();
    clock.advance(14_999);
    equal(await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 50, "waits"))]), "waits", name);
    clock.advance(1);
    await refused;
    await target.idle();
    equal(http.connections, 0, "the connection went with it");
  }
});

test("the time also counts while a name is looked up and while a connection is made", async () => {
  const clock = new ManualClock();
  let lookUp: AbortSignal | undefined;
  const resolver: Resolver = {
    resolve: (_hostname, signal) => {
      lookUp = signal;
      return new Promise(() => {});
    },
  };
  await using http = new OutgoingHttp({ ...loopback, clock, resolver });
  const refused = rejects(http.post({ url: "https://slow.example/", body: "", timeoutMs: 1_000 }), { code: "outgoing.timeout" });
  await until(() => lookUp !== undefined);
  clock.advance(1_000);
  await refused;
  equal(lookUp?.aborted, true);
  // A TLS handshake that nobody answers.
  await using silent = await Target.tcp(() => {});
  await using other = new OutgoingHttp({ ...loopback, clock });
  const ended = rejects(other.post({ url: silent.url.replace("http:", "https:"), body: "", timeoutMs: 1_000 }), { code: "outgoing.timeout" });
  await silent.connected();
  clock.advance(1_000);
  await ended;
  await silent.idle();
});

test("the caller's signal ends it, before and while it is under way", async () => {
  await using target = await Target.http(() => {});
  await using http = new OutgoingHttp(loopback);
  await rejects(post(http, target, { signal: AbortSignal.abort(new Error("no more")) }), { code: "outgoing.aborted" });
  const controller = new AbortController();
  const refused = rejects(post(http, target, { signal: controller.signal }), { code: "outgoing.aborted" });
  await target.connected();
  controller.abort();
  await refused;
  await target.idle();
});

test("all addresses of a name are checked, and one that is not public refuses it", async () => {
  await using target = await Target.http((_request, response) => void response.end());
  let addresses: readonly string[] = [];
  const resolver: Resolver = { resolve: () => Promise.resolve(addresses) };
  await using http = new OutgoingHttp({ addresses: { allow: ["127.0.0.1"] }, resolver });
  const call = (): Promise<unknown> => http.post({ url: `http://bot.example:${target.port}/`, body: "" });
  for (addresses of [
    ["127.0.0.1", "10.0.0.1"],
    ["10.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "127.0.0.1", "::1"],
    ["::ffff:127.0.0.1"],
    ["127.0.0.2"],
    ["nonsense"],
  ]) {
    await rejects(call(), { code: "outgoing.refused_address" }, addresses.join());
  }
  addresses = [];
  await rejects(call(), { code: "outgoing.unresolved" });
  addresses = ["1.1.1.1"];
  await rejects(call(), { code: "outgoing.refused_url" }, "a public address by http");
  equal(target.count, 0);
  addresses = ["127.0.0.1"];
  await call();
  equal(target.count, 1);
});

test("a connection is used again without a look-up, and after its age with one", async () => {
  await using target = await Target.http((_request, response) => void response.end("ok"));
  const clock = new ManualClock();
  let lookUps = 0;
  const resolver: Resolver = { resolve: () => Promise.resolve([lookUps++ === 0 ? "127.0.0.1" : "10.0.0.1"]) };
  await using http = new OutgoingHttp({ addresses: { allow: ["127.0.0.1"] }, clock, resolver, maxAgeMs: 60_000 });
  const call = (): Promise<unknown> => http.post({ url: `http://bot.example:${target.port}/`, body: "" });
  for (let n = 0; n < 5; n++) await call();
  equal(lookUps, 1);
  equal(target.count, 1);
  clock.advance(60_000);
  // The name has moved to a private address meanwhile.
  await rejects(call(), { code: "outgoing.refused_address" });
  equal(lookUps, 2);
  equal(target.count, 1);
});

test("a kept connection that its server closes is not counted any more, and the next request opens one", async () => {
  await using target = await Target.http((_request, response) => void response.end("ok"));
  await using http = new OutgoingHttp(loopback);
  await post(http, target);
  equal(http.connections, 1);
  target.cut();
  await until(() => http.connections === 0);
  await post(http, target);
  equal(target.count, 2);
});

test("connections are bounded by origin and in all, idle ones give way, and one too many is refused at once", async () => {
  const waiting: (() => void)[] = [];
  const answer: RequestListener = (_request, response) => void waiting.push(() => response.end());
  await using first = await Target.http(answer);
  await using second = await Target.http(answer);
  await using third = await Target.http(answer);
  await using http = new OutgoingHttp({ ...loopback, maxConnections: 3, maxConnectionsPerOrigin: 2 });
  const release = async (...sent: readonly Promise<unknown>[]): Promise<void> => {
    await until(() => waiting.length === sent.length);
    for (const end of waiting.splice(0)) end();
    await Promise.all(sent);
  };
  const [a, b] = [post(http, first), post(http, first)];
  await rejects(post(http, first), { code: "outgoing.busy" }, "by origin");
  const c = post(http, second);
  await rejects(post(http, third), { code: "outgoing.busy" }, "in all");
  await release(a, b, c);
  equal(http.connections, 3);
  await release(post(http, third));
  equal(http.connections, 3, "an idle one gave way");
});

test("what fails below HTTP has its code", async () => {
  await using http = new OutgoingHttp(loopback);
  const port = await freePort();
  await rejects(http.post({ url: `http://127.0.0.1:${port}/`, body: "" }), { code: "outgoing.unreachable", retryable: true });
  await using reset = await Target.tcp((socket) => void socket.once("data", () => socket.resetAndDestroy()));
  await rejects(post(http, reset), { code: "outgoing.unreachable" });
  await using closing = await Target.tcp((socket) => void socket.once("data", () => socket.end()));
  await rejects(post(http, closing), { code: "outgoing.unreachable" });
  await using half = await Target.tcp((socket) => void socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")));
  await rejects(post(http, half), { code: "outgoing.unreachable" });
  await using other = await Target.tcp((socket) => void socket.end("220 mail.example ESMTP\r\n"));
  await rejects(post(http, other), { code: "outgoing.malformed" });
  await rejects(http.post({ url: other.url.replace("http:", "https:"), body: "" }), { code: "outgoing.certificate" });
  await using unresolved = new OutgoingHttp({ resolver: { resolve: () => Promise.reject(new Error("SERVFAIL")) } });
  await rejects(unresolved.post({ url: "https://bot.example/", body: "" }), { code: "outgoing.unresolved" });
});

test("a body, headers and limits that cannot be sent are refused before anything is connected", async () => {
  await using target = await Target.http((_request, response) => void response.end());
  await using http = new OutgoingHttp(loopback);
  const wrong = { code: "outgoing.invalid_request" };
  await post(http, target, { body: new Uint8Array(1_048_576) });
  await rejects(post(http, target, { body: new Uint8Array(1_048_577) }), wrong);
  for (const name of ["Host", "content-length", "Transfer-Encoding", "connection", "a b", "a:", ""])
    await rejects(post(http, target, { headers: { [name]: "x" } }), wrong, name);
  for (const value of ["a\r\nx-injected: b", "a\nb", "\u0000", "안녕", "x".repeat(4_097)])
    await rejects(post(http, target, { headers: { "x-a": value } }), wrong);
  for (const timeoutMs of [0, -1, Number.NaN, 60_001]) await rejects(post(http, target, { timeoutMs }), wrong);
  for (const maxResponseBytes of [-1, 1.5, Number.NaN]) await rejects(post(http, target, { maxResponseBytes }), wrong);
  equal(target.count, 1);
});

test("no message of an error holds what the URL, the headers or the body hold", async () => {
  const port = await freePort();
  await using target = await Target.http((_request, response) => void response.writeHead(500).end());
  await using http = new OutgoingHttp({ addresses: { allow: ["127.0.0.1"] } });
  const urls = [
    `http://127.0.0.1:${port}/canary`,
    `${target.url}/canary?canary=canary`,
    "https://canary:canary@example.com/",
    "https://10.0.0.1/canary",
    "http://127.0.0.1:1/canary",
  ];
  for (const url of urls) {
    const error = await http.post({ url, headers: { authorization: "canary" }, body: "canary" }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    ok(error instanceof OutgoingError, url);
    ok(!JSON.stringify([error.message, Object.entries(error)]).includes("canary"), error.message);
    ok(error.message.length > 20);
  }
});

test("undici's global dispatcher is left alone", async () => {
  const before = getGlobalDispatcher();
  await using target = await Target.http((_request, response) => void response.end());
  await using http = new OutgoingHttp(loopback);
  await post(http, target);
  equal(getGlobalDispatcher(), before);
});

test("closing lets what is under way end, cuts it after 5 s, and refuses the rest", async () => {
  const waiting: (() => void)[] = [];
  await using target = await Target.http((_request, response) => void waiting.push(() => response.end("done")));
  const clock = new ManualClock();
  const http = new OutgoingHttp({ ...loopback, clock });
  const good = post(http, target);
  const hanging = rejects(post(http, target), { code: "outgoing.closed" });
  await until(() => waiting.length === 2);
  const closed = http[Symbol.asyncDispose]();
  await rejects(post(http, target), { code: "outgoing.closed" });
  waiting[0]?.();
  equal((await good).status, 200);
  clock.advance(5_000);
  await closed;
  await hanging;
  await http[Symbol.asyncDispose]();
  await target.idle();
});

function post(http: OutgoingHttp, { url }: Target, options: Partial<Parameters<OutgoingHttp["post"]>[0]> = {}): ReturnType<OutgoingHttp["post"]> {
  return http.post({ url, body: "{}", ...options });
}

/** A server of the test's on 127.0.0.1. */
class Target implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that it has seen. */
  count = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.count++;
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static http(listener: RequestListener): Promise<Target> {
    return new Target(createServer(listener)).#listen();
  }

  static tcp(onSocket: (socket: Socket) => void): Promise<Target> {
    const server = createTcpServer((socket) => {
      onSocket(socket);
      // Without reading, the end of a connection is not seen.
      socket.resume();
    });
    return new Target(server).#listen();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  connected(): Promise<void> {
    return until(() => this.#sockets.size > 0);
  }

  /** No connection is left. */
  idle(): Promise<void> {
    return until(() => this.#sockets.size === 0);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(): Promise<Target> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
