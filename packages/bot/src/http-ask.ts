/**
 * Commands over HTTP, for a bot without a connection: the routes of docs/PROTOCOL.md that do the same. Waits and repeats like
 * the connection does, for as long as the handler's signal allows.
 */
import { RequestRefused } from "@suda/client";
import { stringifyFrame, type Clock, type CommandType } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import { refusalOf } from "./command-registry.ts";
import { pause } from "./pause.ts";
import type { Ask } from "./session.ts";

export interface HttpAskOptions {
  readonly origin: string;
  readonly bot: string;
  readonly token: () => string | Promise<string>;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

type Named = Readonly<Record<string, unknown>>;

interface HttpRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `:field` is that field of the command; the others go into the body, or into the query. */
  readonly path: string;
}

const inConversation = "/v1/conversations/:conversation";
const aboutMessage = `${inConversation}/messages/:target`;
const aboutStream = `${inConversation}/streams/:stream`;

/** What there is no route for is for connections alone. */
const routes: Partial<Record<CommandType, HttpRoute>> = {
  "bot.send": { method: "POST", path: "/v1/bots/:bot/messages" },
  "control.handoff": { method: "POST", path: `${inConversation}/control/handoff` },
  "conversation.get": { method: "GET", path: inConversation },
  "conversation.list": { method: "GET", path: "/v1/conversations" },
  "history.get": { method: "GET", path: `${inConversation}/history` },
  "member.list": { method: "GET", path: `${inConversation}/members` },
  "interaction.answer": { method: "POST", path: `${inConversation}/interactions/:target/answer` },
  "message.send": { method: "POST", path: `${inConversation}/messages` },
  "message.edit": { method: "PATCH", path: aboutMessage },
  "message.delete": { method: "DELETE", path: aboutMessage },
  "reaction.add": { method: "PUT", path: `${aboutMessage}/reactions/:emoji` },
  "reaction.remove": { method: "DELETE", path: `${aboutMessage}/reactions/:emoji` },
  "thinking.start": { method: "PUT", path: `${inConversation}/thinking` },
  "thinking.stop": { method: "DELETE", path: `${inConversation}/thinking` },
  "stream.start": { method: "PUT", path: aboutStream },
  "stream.append": { method: "POST", path: `${aboutStream}/append` },
  "stream.finish": { method: "POST", path: `${aboutStream}/finish` },
  "stream.abort": { method: "DELETE", path: aboutStream },
  "user.get": { method: "GET", path: "/v1/users/:user" },
};

const retryMs = 500;
const maxTries = 5;

export function createHttpAsk({ origin, bot, token, fetch, clock }: HttpAskOptions): Ask {
  const once = async (type: CommandType, fields: Named, signal: AbortSignal): Promise<unknown> => {
    const route = routes[type];
    if (route === undefined) throw new BotError("bot.no_route");
    const used = new Set<string>();
    const path = route.path.replaceAll(/:([a-z]+)/gi, (_whole, name: string) => {
      used.add(name);
      return encodeURIComponent(String(name === "bot" ? bot : fields[name]));
    });
    const rest = Object.fromEntries(Object.entries(fields).filter(([name, value]) => !used.has(name) && value !== undefined));
    const url = new URL(path, origin);
    const hasBody = route.method !== "GET" && route.method !== "DELETE";
    if (!hasBody) for (const [name, value] of Object.entries(rest)) url.searchParams.set(name, String(value));
    const response = await fetch(url, {
      method: route.method,
      headers: { authorization: `Bearer ${await token()}`, ...(hasBody ? { "content-type": "application/json" } : {}) },
      ...(hasBody ? { body: stringifyFrame(rest) } : {}),
      signal,
    });
    if (!response.ok) throw new RequestRefused(await refusalOf(response));
    return response.json();
  };
  // What a route answers is the reply of its command.
  return (async (type: CommandType, fields: Named, { signal, patienceMs = 5_000 }: Parameters<Ask>[2]) => {
    for (let tries = 1; ; tries++) {
      try {
        return await once(type, fields, signal);
      } catch (error) {
        signal.throwIfAborted();
        // `fetch` says TypeError when there is no connection.
        const isWorthIt = error instanceof TypeError || (error instanceof RequestRefused && error.retryable);
        const waitMs = (error instanceof RequestRefused ? error.retryAfterMs : undefined) ?? retryMs * tries;
        if (!isWorthIt || waitMs > patienceMs || tries >= maxTries) throw error;
        await pause(clock, waitMs, signal);
      }
    }
  }) as Ask;
}
