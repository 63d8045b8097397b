/** The outbox in a real browser's IndexedDB, also over a browser that was killed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openIndexedDbOutbox } from "../src/index.ts";
import { browserAbsent, BrowserPage, bundlePage } from "./browser.ts";

const common = `
  import { openIndexedDbOutbox } from "../src/sending/indexed-db-outbox.ts";
  const entry = (clientId, fields) => ({ clientId, conversation: "room", content: { type: "text", text: clientId + " 👋" }, at: 1, ...fields });
  const told = (entries) => JSON.stringify(entries, (_key, value) => (value instanceof Uint8Array ? [...value] : value));
`;

test("what was put is there after the browser was killed, in order; each user has their own", { skip: browserAbsent }, async () => {
  await using page = await BrowserPage.open();
  const write = `${common}
    const outbox = await openIndexedDbOutbox("alice");
    const empty = await outbox.load();
    const bytes = { content: { type: "bytes", mime: "image/png", bytes: Uint8Array.of(0, 255) }, data: { order: 7 } };
    // Not waited for one by one: they take effect in their order.
    await Promise.all([
      outbox.put(entry("z")), outbox.put(entry("a")), outbox.put(entry("m", bytes)), outbox.put(entry("gone")), outbox.remove("gone"),
      outbox.remove("unknown"), outbox.put(entry("z", { failure: { code: "frame.invalid", message: "no" } })),
    ]);
    await (await openIndexedDbOutbox("bob")).put(entry("bobs"));
    tell(told([empty, await outbox.load()]));
  `;
  const [empty, written] = JSON.parse(await page.run({ script: await bundlePage(write) })) as [unknown, readonly Record<string, unknown>[]];
  assert.deepEqual(empty, []);
  assert.deepEqual(
    written.map(({ clientId, failure }) => [clientId, failure]),
    [
      ["z", { code: "frame.invalid", message: "no" }],
      ["a", undefined],
      ["m", undefined],
    ],
  );
  assert.deepEqual(written[2]?.["content"], { type: "bytes", mime: "image/png", bytes: [0, 255] });
  const read = `${common}
    tell(told(await (await openIndexedDbOutbox("alice")).load()));
  `;
  assert.deepEqual(JSON.parse(await page.run({ script: await bundlePage(read) })), written);
});

test("without IndexedDB it says what to use", async () => {
  await assert.rejects(openIndexedDbOutbox("alice"), { name: "TypeError", message: /openFileOutbox/ });
});
