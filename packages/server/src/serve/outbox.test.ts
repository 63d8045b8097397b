/** The tree of a turn's messages: shared by all connections that were sent the same ones, in order. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jsonCodec, msgpackCodec } from "@suda/protocol";
import { Flusher, OutboxNode, type Flushable } from "./outbox.ts";
import { frameMessage } from "./websocket-frame.ts";

const message = (text: string): Uint8Array => jsonCodec.encode({ text });
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = (wire: Buffer): string => wire.subarray(2).toString();

describe("outbox", () => {
  test("[I6] connections that were sent the same messages in the same order share one piece of wire", () => {
    const root = new OutboxNode();
    const [a, b, c] = [message("a"), message("b"), message("c")];
    const ends = Array.from({ length: 100 }, () => root.append(a).append(b).append(c));
    const [first] = ends;
    assert.ok(first !== undefined, "there are ends");
    for (const end of ends) assert.equal(end.wire(jsonCodec), first.wire(jsonCodec), "the same Buffer");
    assert.equal(textOf(first.wire(jsonCodec)), '[{"text":"a"},{"text":"b"},{"text":"c"}]');
    assert.equal(first.count, 3);
    assert.equal(first.bytes, a.byteLength + b.byteLength + c.byteLength);
  });

  test("[I6] who was sent something else in between stands on another node, in its own order", () => {
    const root = new OutboxNode();
    const [a, b] = [message("a"), message("b")];
    const both = root.append(a).append(b);
    const other = root.append(b).append(a);
    const only = root.append(b);
    assert.equal(textOf(both.wire(jsonCodec)), '[{"text":"a"},{"text":"b"}]');
    assert.equal(textOf(other.wire(jsonCodec)), '[{"text":"b"},{"text":"a"}]');
    assert.equal(textOf(only.wire(jsonCodec)), '{"text":"b"}', "one message stays itself");
    // Equal bytes in another object are another message: only identity is compared.
    assert.equal(textOf(root.append(message("b")).wire(jsonCodec)), '{"text":"b"}');
  });

  test("[I6] without a joiner each message is a WebSocket message of its own", () => {
    const end = new OutboxNode().append(Uint8Array.of(1)).append(Uint8Array.of(2, 3));
    assert.deepEqual([...end.wire(undefined)], [0x82, 1, 1, 0x82, 2, 2, 3]);
  });

  test("[I6] one flush a turn: all connections with something to write, each once, and the next turn starts anew", async () => {
    const flusher = new Flusher();
    const flushed: string[] = [];
    const connection = (name: string): Flushable => ({ flush: () => void flushed.push(name) });
    const [one, other] = [connection("one"), connection("other")];
    const root = flusher.enter(one, jsonCodec);
    assert.equal(flusher.enter(other, jsonCodec), root, "one root for a joiner");
    assert.notEqual(flusher.enter(connection("packed"), msgpackCodec), root);
    assert.deepEqual(flushed, []);
    await nextTurn();
    assert.deepEqual(flushed, ["one", "other", "packed"]);
    assert.notEqual(flusher.enter(one, jsonCodec), root, "nothing of the last turn is held");
    await nextTurn();
    assert.deepEqual(flushed, ["one", "other", "packed", "one"]);
  });

  test("frames have the header of their length (RFC 6455 §5.2)", () => {
    const header = (length: number, isText: boolean): string =>
      frameMessage(new Uint8Array(length), isText)
        .subarray(0, -length || undefined)
        .toString("hex");
    assert.equal(header(0, true), "8100");
    assert.equal(header(125, true), "817d");
    assert.equal(header(126, false), "827e007e");
    assert.equal(header(65_535, false), "827effff");
    assert.equal(header(65_536, true), "817f0000000000010000");
  });
});
