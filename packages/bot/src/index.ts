/** Bots for Suda. The tutorial is docs/BOTS.md. */
export { BotError, botErrors, type BotErrorCode } from "./bot-error.ts";
export { type Bot, type ContextOf, type EventName, type SendOptions } from "./bot.ts";
export {
  type ActionContext,
  type CommandContext,
  type Context,
  type Draft,
  type FormContext,
  type Handler,
  type MessageContext,
  type Middleware,
  type Photo,
  type PhotoContext,
  type Sayable,
  type Sent,
  type TapContext,
  type TemplateOptions,
  type TemplateVariables,
} from "./context.ts";
export { type DeadLetter } from "./conversation-work.ts";
export { createBot, type BotOptions } from "./create-bot.ts";
export { nodeListener } from "./node-listener.ts";
export { type Fields } from "./session.ts";
export { MemoryStateStore, type StateStore, type StoredState } from "./state-store.ts";
