/** The documents and the service's own paths: complete, valid, nothing from outside. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commands, contentSchemas, errors } from "@suda/protocol";
import { createTestGroup, TestServer } from "@suda/testing";
import { MemoryChannelLayer } from "../../channel-layer/memory-channel-layer.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import type { StoreStatus } from "../../store/store-status.ts";
import { createServer } from "../../suda-server.ts";
import { routes } from "./http-routes.ts";

type Json = { readonly [key: string]: Json };

/** Every `$ref` of a document with where it stands. */
function refsOf(value: unknown, at = "#"): [at: string, ref: string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => (key === "$ref" ? [[at, String(inner)]] : refsOf(inner, `${at}/${key}`)));
}

function resolve(document: Json, ref: string): unknown {
  return ref
    .slice(2)
    .split("/")
    .reduce<Json | undefined>((node, part) => node?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

async function documentAt(path: string): Promise<Json> {
  await using suda = await TestServer.open();
  const { status, body } = await suda.http().get(path);
  assert.equal(status, 200);
  return body as Json;
}

class StatusStore extends MemoryStore {
  now: StoreStatus = { state: "ready" };
  override status(): StoreStatus {
    return this.now;
  }
}

class LinkedLayer extends MemoryChannelLayer {
  readonly link = { isConnected: true, lost: 0, onRestored: () => {} };
}

describe("documents", () => {
  test("[R6] /openapi.json has every route with its parameters, and every $ref resolves", async () => {
    const document = await documentAt("/openapi.json");
    assert.equal(document["openapi"], "3.1.0");
    const refs = refsOf(document);
    assert.ok(refs.length > 0, "there are references");
    for (const [at, ref] of refs) assert.ok(resolve(document, ref) !== undefined, `${at} → ${ref}`);
    const operations: string[] = [];
    for (const [path, methods] of Object.entries(document["paths"] ?? {})) {
      for (const [method, operation] of Object.entries(methods)) {
        operations.push(`${method.toUpperCase()} ${path}`);
        const inPath = (operation["parameters"] as unknown as { name: string; in: string }[])
          .filter((parameter) => parameter.in === "path")
          .map(({ name }) => name);
        assert.deepEqual(
          inPath,
          [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
          path,
        );
        assert.ok(resolve(operation, "#/responses/200") !== undefined && resolve(operation, "#/responses/default") !== undefined, path);
      }
    }
    assert.deepEqual(operations.sort(), routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`).sort());
  });

  test("[R6] /asyncapi.json has every command, its reply and every event, and every $ref resolves", async () => {
    const document = await documentAt("/asyncapi.json");
    assert.equal(document["asyncapi"], "3.0.0");
    for (const [at, ref] of refsOf(document)) assert.ok(resolve(document, ref) !== undefined, `${at} → ${ref}`);
    const messages = Object.keys(resolve(document, "#/components/messages") as Json);
    const ofMessages = [
      "message.created",
      "message.edited",
      "message.deleted",
      "reaction.added",
      "reaction.removed",
      "interaction.created",
      "pin.added",
      "pin.removed",
    ];
    const ofConversations = [
      "member.added",
      "member.removed",
      "member.updated",
      "conversation.updated",
      "control.changed",
      "conversation.joined",
      "conversation.left",
      "conversation.changed",
    ];
    const ofBots = ["interaction.answered", "thinking.started", "thinking.stopped", "stream.started", "stream.appended", "stream.finished", "stream.aborted"];
    const ofTheMoment = [...ofBots, "typing.started", "typing.stopped", "receipt.updated", "conversation.truncated", "presence.changed", "lag", "goaway"];
    const events = [...ofMessages, ...ofConversations, ...ofTheMoment];
    const expected = [...Object.keys(commands).flatMap((type) => [type, `${type}.reply`]), "error", ...events];
    assert.deepEqual(messages.sort(), expected.sort());
  });

  test("[R6] the schemas of both are plain JSON Schema: bytes are base64 strings, nothing of a library remains", async () => {
    for (const path of ["/openapi.json", "/asyncapi.json"]) {
      const text = JSON.stringify(await documentAt(path));
      assert.ok(!text.includes('"~'), `${path} has a key of a library`);
      assert.match(text, /"type":"string","contentEncoding":"base64"/);
    }
  });

  test("[R6] [T1] both have every type of message once, and refer to it", async () => {
    for (const path of ["/openapi.json", "/asyncapi.json"]) {
      const document = await documentAt(path);
      const text = JSON.stringify(document);
      const schemas = resolve(document, "#/components/schemas") as Json;
      for (const schema of contentSchemas) {
        const { title } = schema as unknown as { title: string };
        assert.ok(Object.hasOwn(schemas, title), `${path} has no ${title}`);
        assert.ok(text.includes(`"$ref":"#/components/schemas/${title}"`), `${path} does not refer to ${title}`);
        assert.equal(text.split(`"title":${JSON.stringify(title)}`).length, 2, `${path} has ${title} once`);
      }
      assert.ok(text.length < 500_000, `${path} has ${text.length} characters`);
    }
  });

  test("[R6] /docs shows every command, route, error and close code, without anything from outside and without script", async () => {
    await using suda = await TestServer.open();
    const { status, headers, body } = await suda.http().get("/docs");
    const page = String(body);
    assert.equal(status, 200);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    for (const [, url = ""] of page.matchAll(/(?:src|href|action|url)\s*=\s*"([^"]*)"/g)) assert.match(url, /^(#|\/[^/])/, url);
    for (const forbidden of [/<script/i, /<link/i, /<img/i, /<iframe/i, /@import/i, /url\(/i, /\son\w+=/i]) assert.doesNotMatch(page, forbidden);
    for (const name of [...Object.keys(commands), ...Object.keys(errors), ...routes.map(({ method, path }) => `${method} ${path}`)])
      assert.ok(page.includes(name), name);
    for (const [, id = ""] of page.matchAll(/href="#([^"]*)"/g)) assert.ok(page.includes(`id="${id}"`), id);
  });

  test("/healthz tells the store's state, /readyz whether to send traffic, /metrics counts", async () => {
    const store = new StatusStore();
    await using suda = await TestServer.open({ store });
    const judge = async (): Promise<number[]> => [(await suda.http().get("/healthz")).status, (await suda.http().get("/readyz")).status];
    assert.deepEqual(await judge(), [200, 200]);
    store.now = { state: "read-only", reason: "No room on the disk." };
    assert.deepEqual(await judge(), [200, 200], "reading goes on");
    store.now = { state: "failed", reason: "A commit failed." };
    assert.deepEqual(await judge(), [503, 503]);
    store.now = { state: "unreachable", reason: "Cassandra does not answer." };
    assert.deepEqual(await judge(), [200, 503], "a restart would not help");
    store.now = { state: "ready" };
    await using alice = await suda.connect("alice");
    await alice.answer({ type: "nonsense" });
    const { headers, body } = await suda.http().get("/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.match(String(body), /^suda_commands_total\{type="hello",code="ok"\} 1$/m);
    assert.match(String(body), /^suda_commands_total\{type="unreadable",code="frame\.unknown_type"\} 1$/m);
    assert.match(String(body), /^suda_failures_total 0$/m);
    assert.match(String(body), /^suda_store_reads_total\{op="conversations\.memberships"\} 2$/m);
    assert.match(String(body), /^suda_reads_waiting 0$/m);
    await suda.server.drain();
    assert.equal((await suda.http().get("/readyz")).status, 503, "draining");
  });

  test("a node that has a name says it where one asks about it, with what it stands on; a page of history is counted by its direction", async () => {
    const store = new StatusStore();
    await using suda = await TestServer.open({ store, nodeName: "node-1" });
    const ready = async (): Promise<unknown> => (await suda.http().get("/readyz")).body;
    assert.deepEqual(await ready(), { status: "ready", node: "node-1", store: { state: "ready" } });
    await using alice = await suda.connect("alice");
    const { id: conversation } = await createTestGroup(alice, []);
    for (const where of [{}, { before: 9 }, { after: 0 }]) await alice.request({ type: "history.get", conversation, ...where });
    const body = String((await suda.http().get("/metrics")).body);
    for (const line of ['direction="after",node="node-1"} 1', 'direction="before",node="node-1"} 2'])
      assert.ok(body.includes(`\nsuda_history_reads_total{${line}\n`), line);
    assert.deepEqual(
      body.split("\n").filter((line) => line.startsWith("suda_") && !line.includes('node="node-1"')),
      [],
      "every figure has the name",
    );
    store.now = { state: "failed", reason: "A commit failed." };
    assert.deepEqual(await ready(), { status: "not ready", node: "node-1", store: store.now });
    store.now = { state: "ready" };
    await suda.server.drain();
    assert.deepEqual(await ready(), { status: "draining", node: "node-1", store: { state: "ready" } });
    assert.throws(() => createServer({ store, nodeName: "a name", auth: { tokenKeys: [] } }), TypeError);
  });

  test("a node that does not hear the others stays ready and says so; without others there is nothing to say", async () => {
    const layer = new LinkedLayer();
    await using suda = await TestServer.open({ layer });
    const judge = async (): Promise<unknown[]> => {
      const { status, body } = await suda.http().get("/readyz");
      const metrics = String((await suda.http().get("/metrics")).body);
      return [status, body, /^suda_layer_link_up (\d)$/m.exec(metrics)?.[1], /^suda_layer_link_lost_total (\d+)$/m.exec(metrics)?.[1]];
    };
    assert.deepEqual(await judge(), [200, { status: "ready", store: { state: "ready" }, layer: "connected" }, "1", "0"]);
    Object.assign(layer.link, { isConnected: false, lost: 7 });
    assert.deepEqual(await judge(), [200, { status: "ready", store: { state: "ready" }, layer: "disconnected" }, "0", "7"]);
    await using alone = await TestServer.open();
    assert.deepEqual((await alone.http().get("/readyz")).body, { status: "ready", store: { state: "ready" } });
    assert.doesNotMatch(String((await alone.http().get("/metrics")).body), /suda_layer_link/);
  });
});
