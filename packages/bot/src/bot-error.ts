/** What a bot can meet beside the server's refusals (`RequestRefused`): the only table of these codes. */
import type { ConversationId } from "@suda/protocol";

export const botErrors = {
  "bot.no_bot":
    "This user is no bot: its own messages would move its read mark, which is the bot's cursor. Sign its token with the claim `bot: true` (npx suda token NAME --bot), or make it one with PUT /v1/bots/{bot}.",
  "bot.timeout": "The handler was not done in time. Give up on `ctx.signal`, or give it more time with `timeoutMs`.",
  "bot.context_over": "The handler is over, so nothing can be done with its context any more. Await what it starts, or use `bot.send`.",
  "bot.handler_failed": "The handler failed as often as it may, and the event was passed over.",
  "bot.refused": "The conversation does not let the bot write, so the event was passed over.",
  "bot.truncated": "The conversation's retention took events before the bot came to them.",
  "bot.answer_gone": "An earlier try answered with another message, which is not in the log any more.",
  "bot.state_too_large": "The state of one conversation is over `maxStateBytes` as JSON. Keep a key in it, and the rest elsewhere.",
  "bot.draft_full": "The text of a stream is at most 5,000 characters. Finish this one, and go on in another.",
  "bot.draft_over": "The stream is finished or given up; begin another one with `ctx.stream()`.",
  "bot.no_api": "This needs the server's API, and the bot answers in responses alone. Give `createBot` a `url` and a `token` too.",
  "bot.no_route": "This command is for connections, and a webhook bot has none. Use the WebSocket transport for it.",
  "bot.answer_full": "A webhook's response holds at most five messages. Give `createBot` a `url` and a `token`, and each is sent as it is said.",
  "bot.commands": "The slash commands could not be told to the server.",
} as const;

export type BotErrorCode = keyof typeof botErrors;

export interface BotErrorOptions {
  readonly conversation?: ConversationId | undefined;
  readonly seq?: number | undefined;
  readonly cause?: unknown;
}

/** Holds no messages of people, but its cause may be whatever a handler threw. */
export class BotError extends Error {
  override readonly name = "BotError";
  readonly code: BotErrorCode;
  readonly conversation: ConversationId | undefined;
  readonly seq: number | undefined;

  constructor(code: BotErrorCode, { conversation, seq, cause }: BotErrorOptions = {}) {
    super(botErrors[code], cause === undefined ? undefined : { cause });
    this.code = code;
    this.conversation = conversation;
    this.seq = seq;
  }
}
