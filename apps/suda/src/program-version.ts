/** Which Suda this is. */
import { readFileSync } from "node:fs";

/** Of package.json, which stands in the same place beside `src` and `dist`. */
export function programVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string };
  return version;
}
