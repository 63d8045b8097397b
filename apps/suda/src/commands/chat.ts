import { readFileSync } from "node:fs";
import type { CommandDef } from "citty";
import { runChat, type ChatOptions } from "../chat/run-chat.ts";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { readEnvironment } from "../config/environment.ts";
import type { Config, SettingName } from "../config/settings.ts";
import { readRunningServer } from "../data-directory/running-server.ts";
import { checkUserId, signToken } from "../data-directory/sign-token.ts";
import { readSigningKey } from "../server/signing-key.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names: readonly SettingName[] = ["data", "url"];
/** A token made here is made anew for every connection. */
const tokenLifetimeMs = 12 * 3_600_000;

/** `suda chat`: the terminal client. */
export const chatCommand: CommandDef = {
  meta: { name: "chat", description: "Chats in the terminal" },
  args: {
    as: { type: "string", valueHint: "user", description: "Who you are; the token is signed with the data directory's key" },
    to: { type: "string", valueHint: "user or conversation", description: "Opens this conversation first" },
    "token-file": { type: "string", valueHint: "file", description: "A file that holds your token (or set SUDA_TOKEN); read again for every connection" },
    outbox: { type: "string", valueHint: "file", description: "Keeps unsent messages over restarts: one file for each user and server (without: in memory)" },
    plain: { type: "boolean", description: "Line in, line out (also where input or output is no terminal)" },
    json: { type: "boolean", description: "JSON lines both ways, for scripts: commands in, frames of the server out" },
    ...settingArguments(names),
  },
  async run({ args }) {
    const environment = readEnvironment();
    const { config } = loadConfigOf(args, names);
    const text = (name: string): string | undefined => (typeof args[name] === "string" ? args[name] : undefined);
    if (args["plain"] === true && args["json"] === true) throw new CommandError("usage", "--plain and --json exclude each other", "Leave one of them out");
    if (args["json"] === true && text("outbox") !== undefined)
      throw new CommandError("usage", "--json and --outbox exclude each other", "A script sends again by itself, with the same clientId");
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !environment.isDumbTerminal;
    const exitCode = await runChat({
      url: socketUrl(config.url ?? readRunningServer(config.data) ?? "ws://127.0.0.1:8000"),
      token: tokenSource({ user: text("as"), file: text("token-file"), config }),
      user: text("as"),
      face: faceOf(args["json"] === true, args["plain"] === true || !isTerminal),
      to: text("to"),
      outbox: text("outbox"),
      language: environment.language,
      hasColour: !environment.noColor,
    });
    process.exitCode = exitCode;
  },
};

function faceOf(isJson: boolean, isPlain: boolean): ChatOptions["face"] {
  if (isJson) return "json";
  return isPlain ? "plain" : "screen";
}

/** `http` and `ws` mean the same server; without a path it is the socket's. */
function socketUrl(url: string): string {
  const parsed = new URL(url);
  parsed.protocol = parsed.protocol === "https:" || parsed.protocol === "wss:" ? "wss:" : "ws:";
  if (parsed.pathname === "/") parsed.pathname = "/v1/socket";
  return parsed.href;
}

function tokenSource({ user, file, config }: { user: string | undefined; file: string | undefined; config: Config }): () => Promise<string> {
  if (file !== undefined) return async () => readTokenFile(file);
  const { token } = config;
  if (token !== undefined) return async () => token;
  if (user === undefined)
    throw new CommandError("usage", "suda chat needs to know who you are", "suda chat --as bob, or give a token with --token-file FILE or SUDA_TOKEN");
  checkUserId(user);
  const key = readSigningKey(config);
  return () => signToken({ user, key, now: Date.now(), lifetimeMs: tokenLifetimeMs, config });
}

/** @throws CommandError `token.invalid` */
function readTokenFile(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new CommandError("token.invalid", `the token file ${file} cannot be read (${code})`, "Make one: suda token USER --data DIR > FILE", { cause: error });
  }
  // Not the token itself: it is as good as a password.
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token))
    throw new CommandError("token.invalid", `${file} does not hold a token`, "Make one: suda token USER --data DIR > FILE");
  return token;
}
