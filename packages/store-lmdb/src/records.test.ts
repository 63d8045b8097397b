import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";
import { entryKey } from "./keys.ts";
import { decodeEntry, encodeEntry } from "./records.ts";

const id = "c_0123456789abcdefghijkl" as ConversationId;
const entry: LogEntry = {
  seq: 7,
  at: 1_764_000_000_000,
  from: "alice" as UserId,
  clientId: "c-1" as ClientId,
  body: { type: "message.created", content: { type: "bytes", mime: "application/octet-stream", bytes: Uint8Array.of(0, 1, 254, 255) } },
  ordinal: 5,
  digest: "aa".repeat(32),
  hash: "5b".repeat(32),
};
/** As it lies in data files. */
const golden =
  "2e87ff7c97cb4279ab697e800000a5616c696365a3632d3105c420aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4205b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5bde0002a474797065af6d6573736167652e63726561746564a7636f6e74656e74de0003a474797065a56279746573a46d696d65b86170706c69636174696f6e2f6f637465742d73747265616da56279746573c4040001feff";

test("[S17] an entry of an older version is read, and is written the same today", () => {
  assert.deepEqual(decodeEntry(entryKey(id, 7), Buffer.from(golden, "hex")), entry);
  assert.equal(encodeEntry(entryKey(id, 7), entry).toString("hex"), golden);
});
