/**
 * The other process of the tests: `store-child.ts MODE DIRECTORY [COUNT]`. Says what happens as lines on
 * stdout, written synchronously, so that a line is out before anything that follows it.
 */
import { readSync, writeSync } from "node:fs";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import { openLmdbStore } from "../src/index.ts";

const [mode = "", directory = "", count = "0"] = process.argv.slice(2);
const lobby = "lobby" as ConversationId;
const alice = "alice" as UserId;
const say = (line: string) => {
  for (;;) {
    try {
      return writeSync(1, `${line}\n`);
    } catch (error) {
      // A full pipe: node gives its children non-blocking ones. Lines are far shorter than what a pipe writes whole.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
};

process.on("unhandledRejection", (error) => say(`unhandled ${String(error)}`));

try {
  let onCommit = () => {};
  const store = await openLmdbStore({ directory, onEvent: ({ event }) => event === "commit" && onCommit() });
  say("open");
  const append = (index: number) =>
    store.log.append(lobby, [
      { from: alice, clientId: `k${index}` as ClientId, body: { type: "message.created", content: { type: "text", text: `message ${index}` } } },
    ]);
  if (mode !== "read") await store.conversations.create({ id: lobby, kind: "group", epoch: "e", createdAt: 1, members: [{ user: alice, role: "owner" }] });
  switch (mode) {
    case "hold":
      // Until killed, or until the parent closes stdin.
      readSync(0, Buffer.alloc(1));
      break;
    case "flood": {
      // 64 in flight for ever; each acknowledgement is a line.
      let next = 0;
      await Promise.all(
        Array.from({ length: 64 }, async () => {
          for (;;) {
            const index = next++;
            const [outcome] = await append(index);
            if (outcome?.outcome === "stored") say(`ack ${outcome.entry.seq} k${index}`);
          }
        }),
      );
      break;
    }
    case "documents":
      // Eight chains for ever, each put on top of the last; each acknowledgement is a line.
      await Promise.all(
        Array.from({ length: 8 }, async (_, chain) => {
          let { version } = (await store.documents.get("deliveries", `k${chain}`)) ?? { version: 0 };
          for (;;) {
            ({ version } = await store.documents.put("deliveries", `k${chain}`, { at: version + 1 }, { ifVersion: version }));
            say(`ack ${chain} ${version}`);
          }
        }),
      );
      break;
    case "one-by-one":
      for (let index = 0; index < Number(count); index++) {
        try {
          const [outcome] = await append(index);
          say(`ack ${outcome?.outcome === "stored" ? outcome.entry.seq : outcome?.outcome}`);
        } catch (error) {
          say(`refused ${(error as { code?: string }).code}`);
        }
        const head = (await store.conversations.get(lobby).catch(() => undefined))?.head.seq;
        say(`status ${store.status().state} head ${head}`);
      }
      break;
    case "burst":
      await append(0);
      for (const result of await Promise.allSettled(Array.from({ length: Number(count) }, (_, index) => append(index + 1)))) {
        say(result.status === "fulfilled" ? `burst ${result.value[0]?.outcome}` : `burst ${(result.reason as { code?: string }).code}`);
      }
      break;
    case "truncate": {
      // Truncates COUNT more entries while one append after the other is under way; each commit is a line, and each acknowledgement.
      const { floor, head } = (await store.conversations.get(lobby)) ?? {};
      const first = head?.seq ?? 0;
      say(`start ${first}`);
      onCommit = () => say("commit");
      const progress = { isDone: false };
      const appending = (async () => {
        for (let index = first; !progress.isDone; index++) {
          const [outcome] = await append(index);
          say(`ack ${outcome?.outcome === "stored" ? outcome.entry.seq : outcome?.outcome} k${index}`);
        }
      })();
      const { removed, from } = await store.log.truncate(lobby, (floor?.seq ?? 0) + Number(count) + 1);
      progress.isDone = true;
      await appending;
      say(`truncated ${removed} ${from}`);
      break;
    }
    case "truncate-failing":
      for (const before of [2, 300, 900]) {
        try {
          const { removed, from } = await store.log.truncate(lobby, before);
          say(`truncated ${removed} ${from}`);
        } catch (error) {
          say(`refused ${(error as { code?: string }).code}`);
        }
        const seq = (await store.conversations.get(lobby).catch(() => undefined))?.floor?.seq;
        say(`status ${store.status().state} floor ${seq}`);
      }
      break;
    case "read":
      for (let seq = 1; seq <= Number(count); seq++) {
        try {
          const [entry] = await store.log.readAfter(lobby, seq - 1, 1);
          const body = entry?.body;
          say(`entry ${seq} ${body?.type === "message.created" && body.content.type === "text" ? body.content.text : "none"}`);
        } catch (error) {
          const { code, conversation, seq: at } = error as { code?: string; conversation?: string; seq?: number };
          say(`error ${seq} ${code} ${conversation} ${at}`);
        }
      }
      break;
    default:
      throw new Error(`no mode ${mode}`);
  }
  await store[Symbol.asyncDispose]();
  say(`end ${store.status().state}`);
} catch (error) {
  say(`failed ${(error as { code?: string }).code} ${(error as Error).message}`);
}
