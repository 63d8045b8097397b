import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreCorruptError } from "./store-errors.ts";
import { decodeRecord, encodeRecord } from "./stored-record.ts";

const value = ["안녕", 1, -2, 1.5, 1_764_000_000_000, null, true, { a: [], 한: "b" }, Buffer.of(1, 2, 3)];
/** Written when the drivers of LMDB and of Cassandra each had this code of their own. Stores full of such bytes are out there. */
const golden = "fd58ac0c99a6ec9588eb859501fecb3ff8000000000000cb4279ab697e800000c0c3de0002a16190a3ed959ca162c403010203";
const corrupt = (place: string, cause?: unknown): Error => new StoreCorruptError(place, { cause });

test("[S17] a record of an older version is read, and is written the same today", () => {
  assert.deepEqual(decodeRecord("place", Buffer.from(golden, "hex"), corrupt), value);
  assert.equal(encodeRecord("place", value).toString("hex"), golden);
});

test("[S17] any other bit, length or place is damage", () => {
  const bytes = Buffer.from(golden, "hex");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => decodeRecord("place", flipped, corrupt), StoreCorruptError, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeRecord("place", bytes.subarray(0, length), corrupt), StoreCorruptError);
  assert.throws(() => decodeRecord("palce", bytes, corrupt), StoreCorruptError);
});
