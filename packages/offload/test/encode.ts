/** A module that needs another package. */
import { encodeBase64 } from "@suda/protocol";

export function run(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}
