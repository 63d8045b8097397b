/** A bot and people in one process, without sockets. */
import type { ConversationId, LogEvent, MessageCreated } from "@suda/protocol";
import { userId, type TestServer, type WebSocketCommunicator } from "@suda/testing";
import { createBot, type Bot, type BotOptions } from "../src/index.ts";

export const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } } as const;

export const textIn = (event: LogEvent): string => (event.type === "message.created" && event.content.type === "text" ? event.content.text : "");

export async function openWith(connection: WebSocketCommunicator, bot: string): Promise<ConversationId> {
  return (await connection.request({ type: "conversation.open", with: userId(bot) })).conversation.id;
}

/** Waits until the bot has said it. */
export const heard = (connection: WebSocketCommunicator, text: string): Promise<MessageCreated> =>
  connection.event("message.created", (event) => textIn(event) === text);

/** What a user said, from the log. */
export async function saidBy(connection: WebSocketCommunicator, conversation: ConversationId, user: string): Promise<string[]> {
  const said: string[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await connection.request({ type: "history.get", conversation, after, limit: 200 });
    for (const event of page.events) if (event.type === "message.created" && event.from === user) said.push(textIn(event));
    after = page.events.at(-1)?.seq ?? after;
    more = page.more;
  }
  return said;
}

/** Waits until the bot's read mark is at the head. */
export async function workedOff(suda: TestServer, conversation: ConversationId, bot: string): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    const [record, member] = [await suda.store.conversations.get(conversation), await suda.store.conversations.member(conversation, userId(bot))];
    if (record !== undefined && member?.readSeq === record.head.seq) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${bot} has not worked off ${conversation}.`);
}

/** Waits for what no frame tells. @throws after `timeoutMs` */
export async function until(what: string, fits: () => boolean | Promise<boolean>, { timeoutMs = 10_000, everyMs = 2 } = {}): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await fits())) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Problems fail the test that has none. */
export function newBot<State extends object = Record<string, unknown>>(suda: TestServer, options: Partial<BotOptions<State>> = {}): Bot<State> {
  return createBot<State>({
    ...suda.botLink("echo"),
    onProblem: (problem) => {
      throw problem;
    },
    ...options,
  });
}

export async function startEcho(suda: TestServer, options: Partial<BotOptions<Record<string, unknown>>> = {}): Promise<Bot<Record<string, unknown>>> {
  const bot = newBot(suda, options).on("message", (ctx) => ctx.reply(`echo ${ctx.text}`));
  await bot.start();
  return bot;
}
