/**
 * `DIR/server.json`: where the server that runs on this data directory listens, so that `suda chat` finds it
 * even when its port was taken and another one was used. A hint: after a kill it is stale until the next start.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "../command-error.ts";

export function writeRunningServer(directory: string, url: string): void {
  writeFileSync(pathOf(directory), `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
}

export function removeRunningServer(directory: string): void {
  rmSync(pathOf(directory), { force: true });
}

/** `http://127.0.0.1:8000`, or `undefined` when no server has run here. */
export function readRunningServer(directory: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(pathOf(directory), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null || !("url" in value) || typeof value.url !== "string") return undefined;
  return URL.canParse(value.url) ? value.url : undefined;
}

function pathOf(directory: string): string {
  return join(directory, "server.json");
}
