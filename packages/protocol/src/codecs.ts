/** The encodings that there are. */
import type { Codec } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";
import { msgpackCodec } from "./msgpack-codec.ts";

/** In the order of the server's preference; the first is what a client gets that names none. */
export const codecs: readonly Codec[] = [jsonCodec, msgpackCodec];

export function codecOfSubprotocol(subprotocol: string): Codec | undefined {
  return codecs.find((codec) => codec.subprotocol === subprotocol);
}
