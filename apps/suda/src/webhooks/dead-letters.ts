/** Dead letters of a running server, of a bot's webhook or of the product's hook: listed and replayed by its HTTP API. */
import { CommandError } from "../command-error.ts";
import type { SettingName } from "../config/settings.ts";
import { loadConfigOf } from "../commands/setting-arguments.ts";
import { readRunningServer } from "../data-directory/running-server.ts";
import { requestApi, type Api } from "./request-api.ts";

export interface Letters {
  readonly api: Api;
  /** Of the list; replays are below it. */
  readonly path: string;
}

interface Letter {
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly type: string;
  readonly attempts: number;
  readonly at: number;
  readonly message: string;
}

interface Replayed {
  readonly delivered: number;
  readonly gone: number;
  readonly left: number;
  readonly failed?: { readonly message?: string };
}

export const apiSettings: readonly SettingName[] = ["data", "url"];

const write = (line: string): void => void process.stdout.write(`${line}\n`);

/** @throws CommandError `keys.missing` */
export function apiOf(args: Readonly<Record<string, unknown>>): Api {
  const { config } = loadConfigOf(args, apiSettings);
  if (config.apiKey === undefined)
    throw new CommandError("keys.missing", "no API key is known", "Set SUDA_API_KEY to a key that the server has in SUDA_API_KEYS, without its name");
  const url = new URL(config.url ?? readRunningServer(config.data) ?? "http://127.0.0.1:8000");
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "https:" : "http:";
  return { origin: url.origin, apiKey: config.apiKey };
}

export async function listLetters({ api, path }: Letters, { isJson }: { readonly isJson: boolean }): Promise<void> {
  let count = 0;
  for (let after = ""; ; ) {
    const page = await requestApi<{ deadLetters: readonly Letter[] }>(api, "GET", `${path}?limit=100${after === "" ? "" : `&after=${after}`}`);
    for (const letter of page.deadLetters) write(isJson ? JSON.stringify(letter) : describe(letter));
    count += page.deadLetters.length;
    after = page.deadLetters.at(-1)?.id ?? "";
    if (page.deadLetters.length < 100) break;
  }
  if (!isJson) write(count === 0 ? "✓ no dead letters" : `${count} dead letter${count === 1 ? "" : "s"}`);
}

/** The exit code is 1 when one failed. @param id only this one */
export async function replayLetters({ api, path }: Letters, id: string | undefined): Promise<void> {
  if (id !== undefined) {
    const { outcome, message = "" } = await requestApi<{ outcome: string; message?: string }>(api, "POST", `${path}/${encodeURIComponent(id)}/replay`);
    write(outcome === "failed" ? `✗ failed: ${message}` : `✓ ${outcome}`);
    process.exitCode = outcome === "failed" ? 1 : 0;
    return;
  }
  for (;;) {
    const { delivered, gone, left, failed } = await requestApi<Replayed>(api, "POST", `${path}/replay`);
    write(`${delivered} delivered, ${gone} not there any more, ${left} left`);
    if (failed !== undefined) {
      write(`✗ the next one failed: ${failed.message ?? ""}`);
      process.exitCode = 1;
      return;
    }
    if (left === 0 || delivered + gone === 0) return;
  }
}

function describe({ id, at, type, conversation, seq, attempts, message }: Letter): string {
  return `${new Date(at).toISOString()}  ${id}\n  ${type} ${conversation} seq ${seq}, ${attempts} attempts: ${message}`;
}
