import type { CommandDef } from "citty";
import { CommandError } from "../command-error.ts";
import type { SettingName } from "../config/settings.ts";
import { readRunningServer } from "../data-directory/running-server.ts";
import { requestApi, type Api } from "../webhooks/request-api.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["data", "url"];

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

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const common = { bot: { type: "positional", required: true, description: "The bot's id" }, ...settingArguments(names) } as const;

const deadLetters: CommandDef = {
  meta: { name: "dead-letters", description: "Lists what was given up after 72 hours, oldest first; needs SUDA_API_KEY" },
  args: { ...common, json: { type: "boolean", description: "One line of JSON per dead letter" } },
  async run({ args }) {
    const api = apiOf(args);
    const path = `/v1/bots/${encodeURIComponent(String(args["bot"]))}/dead-letters`;
    let count = 0;
    for (let after = ""; ; ) {
      const page = await requestApi<{ deadLetters: readonly Letter[] }>(api, "GET", `${path}?limit=100${after === "" ? "" : `&after=${after}`}`);
      for (const letter of page.deadLetters) write(args["json"] === true ? JSON.stringify(letter) : describe(letter));
      count += page.deadLetters.length;
      after = page.deadLetters.at(-1)?.id ?? "";
      if (page.deadLetters.length < 100) break;
    }
    if (args["json"] !== true) write(count === 0 ? "✓ no dead letters" : `${count} dead letter${count === 1 ? "" : "s"}`);
  },
};

const replay: CommandDef = {
  meta: { name: "replay", description: "Delivers dead letters once more, oldest first, until one fails; needs SUDA_API_KEY" },
  args: { ...common, id: { type: "string", valueHint: "id", description: "Only this one" } },
  async run({ args }) {
    const api = apiOf(args);
    const path = `/v1/bots/${encodeURIComponent(String(args["bot"]))}/dead-letters`;
    if (typeof args["id"] === "string") {
      const { outcome, message = "" } = await requestApi<{ outcome: string; message?: string }>(
        api,
        "POST",
        `${path}/${encodeURIComponent(args["id"])}/replay`,
      );
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
  },
};

/** `suda webhooks dead-letters|replay BOT`: by the HTTP API of a running server. */
export const webhooksCommand: CommandDef = {
  meta: { name: "webhooks", description: "Shows and replays what could not be delivered to a bot's webhook" },
  subCommands: { "dead-letters": deadLetters, replay },
};
export const webhooksCommands: Readonly<Record<"dead-letters" | "replay", CommandDef>> = { "dead-letters": deadLetters, replay };

function apiOf(args: Readonly<Record<string, unknown>>): Api {
  const { config } = loadConfigOf(args, names);
  if (config.apiKey === undefined)
    throw new CommandError("keys.missing", "no API key is known", "Set SUDA_API_KEY to a key that the server has in SUDA_API_KEYS, without its name");
  const url = new URL(config.url ?? readRunningServer(config.data) ?? "http://127.0.0.1:8000");
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "https:" : "http:";
  return { origin: url.origin, apiKey: config.apiKey };
}

function describe({ id, at, type, conversation, seq, attempts, message }: Letter): string {
  return `${new Date(at).toISOString()}  ${id}\n  ${type} ${conversation} seq ${seq}, ${attempts} attempts: ${message}`;
}
