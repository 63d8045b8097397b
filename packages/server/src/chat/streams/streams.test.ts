/** The bounds of one process, over all conversations and bots; with small ones, so that a test reaches them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError, streamLimits, type ConversationId } from "@suda/protocol";
import { clientId, ManualClock, userId } from "@suda/testing";
import { MemoryChannelLayer } from "../../channel-layer/memory-channel-layer.ts";
import { Streams, type StreamBounds, type StreamStart } from "./streams.ts";

interface World extends AsyncDisposable {
  readonly streams: Streams;
  readonly clock: ManualClock;
}

function openStreams(bounds: Partial<StreamBounds>): World {
  const clock = new ManualClock();
  const onFailure = (error: unknown): void => assert.fail(error as Error);
  const layer = new MemoryChannelLayer({ onFailure });
  const streams = new Streams({ layer, clock, onFailure, isShared: false, bounds });
  const close = async (): Promise<void> => {
    await streams[Symbol.asyncDispose]();
    await layer[Symbol.asyncDispose]();
  };
  return { streams, clock, [Symbol.asyncDispose]: close };
}

/** Each of another bot in another conversation, so that no bound of a conversation is meant. */
const stream = (number: number): StreamStart => ({
  conversation: `room-${number}` as ConversationId,
  from: userId(`bot-${number}`),
  stream: clientId("s"),
  memberCount: 2,
  isConnected: true,
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    assert.ok(error.code !== "server.busy" || (error.retryable && (error.retryAfterMs ?? 0) > 0), "who is told to try again is told when");
    return error.code;
  }
}

describe("a process's bounds", () => {
  test("[T52] as many streams as it may have are begun; one more is server.busy, until one is finished, aborted or over", async () => {
    await using world = openStreams({ maxStreams: 3 });
    const { streams, clock } = world;
    const begin = (number: number): Promise<string> => codeOf(streams.start(stream(number)));
    assert.deepEqual([await begin(1), await begin(2), await begin(3), await begin(4)], ["ok", "ok", "ok", "server.busy"]);
    assert.equal(await begin(3), "ok", "one that is under way is no new one");
    assert.equal(streams.count, 3);
    streams.finish(stream(1), 1);
    assert.deepEqual([await begin(4), await begin(5)], ["ok", "server.busy"]);
    await streams.abort(stream(2), undefined);
    assert.deepEqual([await begin(5), await begin(6)], ["ok", "server.busy"]);
    // Ended twice, one frees no more than one place.
    await streams.abort(stream(2), undefined);
    streams.finish(stream(1), 1);
    assert.equal(await begin(6), "server.busy");
    clock.advance(streamLimits.idleMs);
    assert.equal(streams.count, 0);
    assert.deepEqual([await begin(6), await begin(7), await begin(8), await begin(9)], ["ok", "ok", "ok", "server.busy"]);
  });

  test("[T52] texts grow to the bytes that there are; one unit more is server.busy and adds nothing, until one is finished or aborted", async () => {
    await using world = openStreams({ maxBytes: 20 });
    const { streams } = world;
    const add = (number: number, text: string): Promise<string> => codeOf(streams.append(stream(number), { text }, true));
    for (const number of [1, 2, 3]) await streams.start(stream(number));
    assert.deepEqual([await add(1, "12345"), await add(2, "1234"), await add(2, "🙂")], ["ok", "ok", "server.busy"]);
    assert.equal(await add(2, "5"), "ok");
    assert.deepEqual([await add(1, "x"), await add(2, "x"), await add(3, "x")], ["server.busy", "server.busy", "server.busy"]);
    assert.deepEqual([streams.lookHere(stream(1))?.text, streams.lookHere(stream(2))?.text, streams.lookHere(stream(3))?.text], ["12345", "12345", ""]);
    assert.equal(await codeOf(streams.append(stream(1), { text: "345", offset: 2 }, true)), "ok", "what is there already needs no room");
    streams.finish(stream(1), 1);
    assert.deepEqual([await add(3, "12🙂5"), await add(3, "x")], ["ok", "server.busy"]);
    await streams.abort(stream(2), undefined);
    assert.deepEqual([await add(3, "67890"), await add(3, "x")], ["ok", "server.busy"]);
    await streams.abort(stream(3), undefined);
    await streams.start(stream(4));
    assert.deepEqual([await add(4, "1234567890"), await add(4, "x")], ["ok", "server.busy"]);
  });
});
