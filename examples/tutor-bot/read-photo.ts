/**
 * Where an OCR goes. This example has none and pretends nothing: it reads the text that a PNG carries beside its pixels (the
 * chunks tEXt and iTXt, PNG 11.3.3, by the keywords Description, Title and Comment), which a drawing program writes and a
 * camera does not. It runs in a thread of its own (`ctx.offload`), as an OCR that takes seconds would have to.
 */
const signature = "\u0089PNG\r\n\u001a\n";
const keywords = new Set(["Description", "Title", "Comment"]);
const maxTextBytes = 1_000;

/** The text; nothing when the picture carries none. */
export function run(photo: Uint8Array): string | undefined {
  const bytes = Buffer.from(photo.buffer, photo.byteOffset, photo.byteLength);
  if (bytes.toString("latin1", 0, signature.length) !== signature) return undefined;
  // Each chunk is its length, its type, so many bytes, and a checksum of 4 bytes.
  for (let at = signature.length; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const data = bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.length));
    const text = textOf(bytes.toString("latin1", at + 4, at + 8), data);
    if (text !== undefined) return text;
    at += length + 12;
  }
  return undefined;
}

function textOf(type: string, data: Buffer): string | undefined {
  const end = data.indexOf(0);
  if (end < 1 || !keywords.has(data.toString("latin1", 0, end))) return undefined;
  if (type === "tEXt") return data.toString("latin1", end + 1, end + 1 + maxTextBytes).trim() || undefined;
  // A flag for compression, its method, then a language and the keyword in it, each ending in 0. Compressed text is left alone.
  if (type !== "iTXt" || data[end + 1] !== 0) return undefined;
  const languageEnd = data.indexOf(0, end + 3);
  const keywordEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  return keywordEnd < 0 ? undefined : data.toString("utf8", keywordEnd + 1, keywordEnd + 1 + maxTextBytes).trim() || undefined;
}
