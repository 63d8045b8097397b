/** Retention from end to end: a real disk, a restart, and a clock that the test moves. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openLmdbStore } from "@suda/store-lmdb";
import { verifyStore } from "@suda/server/store";
import { createTestGroup, ManualClock, say, TestServer } from "@suda/testing";

test("[D15] [D7] what is too old leaves the disk and every read, and stays gone over a restart; the rest is whole", async () => {
  const directory = await mkdtemp(join(tmpdir(), "suda-retention-"));
  try {
    const clock = new ManualClock();
    let conversation;
    {
      await using store = await openLmdbStore({ directory, clock });
      await using suda = await TestServer.open({ store, clock, limits: { commands: { perSecond: 0, burst: 1 } } });
      await using alice = await suda.connect("alice");
      conversation = (await createTestGroup(alice, ["bob"])).id;
      await alice.request({ type: "conversation.update", conversation, retentionMs: 120_000 });
      for (let index = 0; index < 300; index++) await say(alice, conversation, `old ${index}`);
      clock.advance(60_000);
      for (let index = 0; index < 5; index++) await say(alice, conversation, `young ${index}`);
      // Sweeps wait for the clock of the test and for the disk in turn: a minute passes in about a second.
      const passing = setInterval(() => clock.advance(200), 4);
      try {
        const { from } = await alice.event("conversation.truncated");
        assert.equal(from, 302);
      } finally {
        clearInterval(passing);
      }
    }
    await using store = await openLmdbStore({ directory, clock });
    const found: unknown[] = [];
    await verifyStore(store, (finding) => found.push(finding));
    assert.deepEqual(found, []);
    await using suda = await TestServer.open({ store, clock });
    await using bob = await suda.connect("bob");
    const { events, from, head } = await bob.request({ type: "history.get", conversation, after: 0, limit: 200 });
    assert.deepEqual([events.map(({ seq }) => seq), from, head], [[302, 303, 304, 305, 306], 302, 306]);
    assert.equal((await bob.request({ type: "conversation.get", conversation })).conversation.unread, 5);
  } finally {
    await rm(directory, { recursive: true });
  }
});
