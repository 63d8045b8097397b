/** Pages of a log (S14) and contents as they were (S15). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bytes, checkLog, draft, lobby, room, says, World, type OpenStore } from "./world.ts";
import type { LogBody } from "@suda/server/store";

export function readRules(open: OpenStore): void {
  test("[S14] pages forwards and backwards: ascending, bounded by their limit, empty beyond the ends", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    await world.store.log.append(
      lobby,
      Array.from({ length: 50 }, (_, index) => draft(alice, says(`${index + 1}`))),
    );
    const { log } = world.store;
    const seqs = async (page: ReturnType<typeof log.readAfter>) => (await page).map((entry) => entry.seq);
    assert.deepEqual(await seqs(log.readAfter(lobby, 0, 3)), [1, 2, 3]);
    assert.deepEqual(await seqs(log.readAfter(lobby, 34, 3)), [35, 36, 37]);
    assert.deepEqual(await seqs(log.readAfter(lobby, 48, 1_000)), [49, 50]);
    assert.deepEqual(await seqs(log.readAfter(lobby, 50, 3)), []);
    assert.deepEqual(await seqs(log.readAfter(lobby, 999, 3)), []);
    assert.deepEqual(await seqs(log.readBefore(lobby, 51, 3)), [48, 49, 50]);
    assert.deepEqual(await seqs(log.readBefore(lobby, 37, 3)), [34, 35, 36]);
    assert.deepEqual(await seqs(log.readBefore(lobby, 3, 1_000)), [1, 2]);
    assert.deepEqual(await seqs(log.readBefore(lobby, 1, 3)), []);
    assert.deepEqual(await seqs(log.readBefore(lobby, Number.MAX_SAFE_INTEGER, 2)), [49, 50]);
  });

  test("[S14] a page never runs into another conversation, and an unknown one is empty", async () => {
    await using world = await World.open(open);
    for (const id of ["a", "a.b", "aa", "b"]) {
      await world.group(room(id), [alice]);
      await world.store.log.append(room(id), [draft(alice, says(id), "k")]);
    }
    for (const id of ["a", "a.b", "aa", "b"]) {
      assert.deepEqual(
        (await world.store.log.readAfter(room(id), 0, 1_000)).map((entry) => entry.body),
        [says(id)],
      );
      assert.equal((await world.store.log.readBefore(room(id), 1_000, 1_000)).length, 1);
    }
    assert.deepEqual(await world.store.log.readAfter(room("nowhere"), 0, 10), []);
    assert.deepEqual(await world.store.log.readBefore(room("nowhere"), 10, 10), []);
  });

  test("[S14] maxBytes ends a page early, but never before its first entry", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    await world.store.log.append(
      lobby,
      Array.from({ length: 20 }, () => draft(alice, says("x".repeat(1_000)))),
    );
    const { log } = world.store;
    const forwards = await log.readAfter(lobby, 0, 20, 5_500);
    assert.equal(forwards[0]?.seq, 1);
    assert.ok(forwards.length >= 3 && forwards.length <= 5, `${forwards.length} entries of about 1,100 bytes`);
    const backwards = await log.readBefore(lobby, 21, 20, 5_500);
    assert.equal(backwards.at(-1)?.seq, 20);
    assert.ok(backwards.length >= 3 && backwards.length <= 5, `${backwards.length} entries of about 1,100 bytes`);
    assert.deepEqual(
      (await log.readAfter(lobby, 4, 20, 1)).map((entry) => entry.seq),
      [5],
    );
    assert.deepEqual(
      (await log.readBefore(lobby, 4, 20, 1)).map((entry) => entry.seq),
      [3],
    );
  });

  test("[S14] a limit outside of 1–1,000 is a programmer's mistake", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
      await assert.rejects(world.store.log.readAfter(lobby, 0, limit), RangeError);
      await assert.rejects(world.store.log.readBefore(lobby, 1, limit), RangeError);
      await assert.rejects(world.store.conversations.list(undefined, limit), RangeError);
      await assert.rejects(world.store.conversations.withRetention(undefined, limit), RangeError);
      await assert.rejects(world.store.conversations.withControl("none", undefined, limit), RangeError);
    }
    await assert.rejects(world.store.conversations.members(lobby, undefined, 10_001), RangeError);
  });

  test("[S15] every kind of body comes back as it was, bytes as Uint8Array", async () => {
    await using world = await World.open(open);
    await world.group(lobby, [alice]);
    const noise = Uint8Array.from({ length: 40_000 }, (_, index) => (index * 31 + (index >> 8)) & 255);
    const bodies: LogBody[] = [
      says("안녕 수다 👋🏽 \u0000 \u2028"),
      says("long ".repeat(900)),
      bytes(new Uint8Array([0])),
      bytes(noise),
      bytes(noise.subarray(100, 300)),
      { type: "message.created", content: { type: "audio", url: "https://a.example/x", durationMs: 0, waveform: [0, 255, 128] } },
      {
        type: "message.created",
        content: { type: "location", latitude: -89.999999, longitude: 0.1 },
        data: { deep: [{ a: null, b: true, c: 1e300 }], "": "" },
      },
      { type: "member.added", users: [alice] },
      { type: "member.updated", user: alice, role: "owner" },
      { type: "conversation.updated", title: "제목", avatar: null, data: { n: 9007199254740991, m: -0.5, i: 4294967296 } },
      { type: "member.removed", user: alice },
    ];
    await world.store.log.append(
      lobby,
      bodies.map((body) => draft(alice, body)),
    );
    const store = await world.reopen();
    const log = await checkLog(store, lobby);
    assert.deepEqual(
      log.map((entry) => entry.body),
      bodies,
    );
    for (const { body } of log) {
      if (body.type === "message.created" && body.content.type === "bytes") assert.equal(body.content.bytes.constructor, Uint8Array);
    }
  });
}
