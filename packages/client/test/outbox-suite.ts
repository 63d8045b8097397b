/** What every outbox promises (see `src/outbox.ts`), run against one driver. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientId } from "@suda/protocol";
import type { Outbox, OutboxEntry } from "../src/index.ts";
import { me, room } from "./frames.ts";

export interface OpenedOutbox extends AsyncDisposable {
  readonly outbox: Outbox;
  /** The same outbox after the program has ended without a word; the old one is not used any more. */
  reopen(): Promise<Outbox>;
}

export function outboxEntry(name: string, fields: Partial<OutboxEntry> = {}): OutboxEntry {
  return { clientId: name as ClientId, conversation: room, content: { type: "text", text: `${name} 👋\n"` }, at: 1, user: me, ...fields };
}

export function outboxSuite(driver: string, open: () => Promise<OpenedOutbox>): void {
  describe(`outbox: ${driver}`, () => {
    test("a new one is empty", async () => {
      await using opened = await open();
      assert.deepEqual(await opened.outbox.load(), []);
    });

    test("what was put is there after a restart, in order, and what was removed is not", async () => {
      await using opened = await open();
      await opened.outbox.load();
      const entries = ["z", "a", "m", "b"].map((name) => outboxEntry(name));
      for (const entry of entries) await opened.outbox.put(entry);
      await opened.outbox.remove("a" as ClientId);
      await opened.outbox.remove("unknown" as ClientId);
      const again = await opened.reopen();
      assert.deepEqual(
        await again.load(),
        entries.filter(({ clientId }) => clientId !== "a"),
      );
    });

    test("a second put replaces in place", async () => {
      await using opened = await open();
      await opened.outbox.load();
      await opened.outbox.put(outboxEntry("first"));
      await opened.outbox.put(outboxEntry("second"));
      const failed = outboxEntry("first", { failure: { code: "frame.invalid", message: "no" } });
      await opened.outbox.put(failed);
      assert.deepEqual(await (await opened.reopen()).load(), [failed, outboxEntry("second")]);
    });

    test("calls that were not waited for take effect in their order", async () => {
      await using opened = await open();
      await opened.outbox.load();
      const names = Array.from({ length: 100 }, (_, index) => `m${index}`);
      const under = names.map((name) => opened.outbox.put(outboxEntry(name)));
      under.push(opened.outbox.remove("m3" as ClientId), opened.outbox.put(outboxEntry("m3")), opened.outbox.remove("m7" as ClientId));
      await Promise.all(under);
      const left = (await (await opened.reopen()).load()).map(({ clientId }) => clientId as string);
      assert.deepEqual(left, [...names.filter((name) => name !== "m3" && name !== "m7"), "m3"]);
    });

    test("bytes and custom data come back as they were", async () => {
      await using opened = await open();
      await opened.outbox.load();
      const entry = outboxEntry("b", {
        content: { type: "bytes", mime: "image/png", bytes: Uint8Array.of(0, 255, 128) },
        data: { order: { id: 7, tags: ["수다"] } },
      });
      await opened.outbox.put(entry);
      assert.deepEqual(await (await opened.reopen()).load(), [entry]);
    });
  });
}
