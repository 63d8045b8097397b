import type { CommandDef } from "citty";
import { apiOf, apiSettings, listLetters, replayLetters } from "../webhooks/dead-letters.ts";
import { settingArguments } from "./setting-arguments.ts";

const path = "/v1/hooks/after-commit/dead-letters";
const common = settingArguments(apiSettings);

const deadLetters: CommandDef = {
  meta: { name: "dead-letters", description: "Lists what the hook after a commit did not take in 72 hours, oldest first; needs SUDA_API_KEY" },
  args: { ...common, json: { type: "boolean", description: "One line of JSON per dead letter" } },
  run: ({ args }) => listLetters({ api: apiOf(args), path }, { isJson: args["json"] === true }),
};

const replay: CommandDef = {
  meta: { name: "replay", description: "Tells the hook once more, oldest first, until one fails; needs SUDA_API_KEY" },
  args: { ...common, id: { type: "string", valueHint: "id", description: "Only this one" } },
  run: ({ args }) => replayLetters({ api: apiOf(args), path }, typeof args["id"] === "string" ? args["id"] : undefined),
};

/** `suda hooks dead-letters|replay`: by the HTTP API of a running server. */
export const hooksCommand: CommandDef = {
  meta: { name: "hooks", description: "Shows and replays what the product's hook after a commit did not take" },
  subCommands: { "dead-letters": deadLetters, replay },
};
export const hooksCommands: Readonly<Record<"dead-letters" | "replay", CommandDef>> = { "dead-letters": deadLetters, replay };
