/**
 * How drivers on a disk keep a value: a CRC-32 over its place and itself, then MessagePack (S17). LMDB has no checksums, and
 * a flipped bit was served silently in 30 of 40 trials (DESIGN §8); Cassandra checks its blocks on the disk, and this all
 * that is between them and us. With the place in it, an intact record in the wrong place is found out too.
 *
 * These bytes lie on disks: stored-record.test.ts holds some that were written long ago.
 */
import { crc32 } from "node:zlib";
import type { ShownContent } from "@suda/protocol";
import { Packr, RESERVE_START_SPACE } from "msgpackr";
import type { Annotation, LogBody } from "./store.ts";

const checksumBytes = 4;
// Records of msgpackr would need shared structures kept beside the data; plain maps can be read by anything.
const packr = new Packr({ useRecords: false, copyBuffers: true });

/** @param place names the record in the whole store, and never changes while it is there */
export function encodeRecord(place: string, value: unknown): Buffer {
  const bytes = packr.pack(value, RESERVE_START_SPACE + checksumBytes);
  bytes.writeUInt32LE(checksum(place, bytes.subarray(checksumBytes)), 0);
  return bytes;
}

/** @throws what `corrupt` makes of the place, when this is not what was stored there */
export function decodeRecord(place: string, bytes: Buffer, corrupt: (place: string, cause?: unknown) => Error): unknown {
  const payload = bytes.subarray(checksumBytes);
  if (bytes.length <= checksumBytes || checksum(place, payload) !== bytes.readUInt32LE(0)) throw corrupt(place);
  try {
    return packr.unpack(payload);
  } catch (cause) {
    throw corrupt(place, cause);
  }
}

/** The contract gives `Uint8Array`; msgpackr gives Node's subclass, which compares unequal and slices without copying. */
export function plainBody(body: LogBody): LogBody {
  if ((body.type !== "message.created" && body.type !== "message.edited") || body.content.type !== "bytes") return body;
  return { ...body, content: plainContent(body.content) };
}

/** As {@link plainBody}. */
export function plainAnnotation(annotation: Annotation): Annotation {
  const { edited } = annotation;
  return edited === undefined ? annotation : { ...annotation, edited: { ...edited, content: plainContent(edited.content) } };
}

function plainContent(content: ShownContent): ShownContent {
  return content.type === "bytes" ? { ...content, bytes: new Uint8Array(content.bytes) } : content;
}

function checksum(place: string, payload: Uint8Array): number {
  return crc32(payload, crc32(place));
}
