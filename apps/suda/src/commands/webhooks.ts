import type { CommandDef } from "citty";
import { apiOf, apiSettings, listLetters, replayLetters, type Letters } from "../webhooks/dead-letters.ts";
import { settingArguments } from "./setting-arguments.ts";

const common = { bot: { type: "positional", required: true, description: "The bot's id" }, ...settingArguments(apiSettings) } as const;

const deadLetters: CommandDef = {
  meta: { name: "dead-letters", description: "Lists what was given up after 72 hours, oldest first; needs SUDA_API_KEY" },
  args: { ...common, json: { type: "boolean", description: "One line of JSON per dead letter" } },
  run: ({ args }) => listLetters(lettersOf(args), { isJson: args["json"] === true }),
};

const replay: CommandDef = {
  meta: { name: "replay", description: "Delivers dead letters once more, oldest first, until one fails; needs SUDA_API_KEY" },
  args: { ...common, id: { type: "string", valueHint: "id", description: "Only this one" } },
  run: ({ args }) => replayLetters(lettersOf(args), typeof args["id"] === "string" ? args["id"] : undefined),
};

/** `suda webhooks dead-letters|replay BOT`: by the HTTP API of a running server. */
export const webhooksCommand: CommandDef = {
  meta: { name: "webhooks", description: "Shows and replays what could not be delivered to a bot's webhook" },
  subCommands: { "dead-letters": deadLetters, replay },
};
export const webhooksCommands: Readonly<Record<"dead-letters" | "replay", CommandDef>> = { "dead-letters": deadLetters, replay };

function lettersOf(args: Readonly<Record<string, unknown>>): Letters {
  return { api: apiOf(args), path: `/v1/bots/${encodeURIComponent(String(args["bot"]))}/dead-letters` };
}
