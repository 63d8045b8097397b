/**
 * What a handler gets: the event, the conversation's state, and everything that a bot can do about it. One type per kind of
 * event, so that what a handler can ask of its context is what that event has.
 */
import type {
  CommandType,
  Content,
  FormValue,
  InteractionCreated,
  ConversationId,
  LogEvent,
  MessageBody,
  MessageCreated,
  ReplyOf,
  UserId,
} from "@suda/protocol";
import type { OffloadOptions } from "@suda/offload";
import type { Fields } from "./session.ts";

/** A text, a content, or a content with what stands beside it (`quickReplies`, `altText`…). */
export type Sayable = string | Content | MessageBody;

export interface Sent {
  /** Of the first message; 0 when it goes out with a webhook's response, and has no place yet. */
  readonly seq: number;
  /** Of all that were said at once, in order. */
  readonly seqs: readonly number[];
  readonly at: number;
  /** An earlier try of the same event had said it already; what that try said stands. */
  readonly isDuplicate: boolean;
}

export type TemplateVariables = Readonly<Record<string, string | number>>;

export interface TemplateOptions {
  /** As the device names it: `ko`, `en-GB`… Default: the template's own first language. */
  readonly locale?: string;
  /** Default: the newest one. */
  readonly version?: number;
}

export interface Context<State, E extends LogEvent = LogEvent> {
  readonly event: E;
  readonly conversation: ConversationId;
  /** Whose event it is. */
  readonly from: UserId;
  /** The bot itself. */
  readonly bot: UserId;
  /** 1 the first time; more when a handler of this event failed before. */
  readonly attempt: number;
  /** Aborted when the handler's time is over or the bot is disposed of. Hand it on to whatever takes one. */
  readonly signal: AbortSignal;
  /** This conversation's own. Change it, or give it another value; it is kept when the handler is done. JSON only. */
  state: State;
  /**
   * Says one to five messages in the conversation, together or none of them, after what this context said before. They are there
   * once, however often the event is handled: their clientId comes from it. Without `await` the bot waits for them when the
   * handler returns.
   * @throws RequestRefused
   */
  reply(...messages: readonly [Sayable, ...Sayable[]]): Promise<Sent>;
  /** Likewise what a stored template makes of `variables`. @throws RequestRefused template.not_found, frame.invalid… */
  replyTemplate(id: string, variables?: TemplateVariables, options?: TemplateOptions): Promise<Sent>;
  /** Gives one of the bot's own messages another content of the same type. @param target its seq @throws RequestRefused */
  edit(target: number, content: Content | string): Promise<Sent>;
  /**
   * Calls the function that a module exports as `run`, in a thread of its own: for work that would hold up everything
   * else. Ends with the handler's time. @param module a file URL, as of `new URL("./solve.js", import.meta.url)` @throws OffloadError
   */
  offload<Result = unknown>(module: URL | string, input: unknown, options?: Omit<OffloadOptions, "signal">): Promise<Result>;
  /** Shows that the bot is writing, until its next message or the end of the handler. Lossy by contract. */
  typing(): void;
  /** Shows that the bot works on an answer, likewise. */
  thinking(): void;
  /**
   * An answer that grows on the members' screens, a few times a second, and is one message in the end.
   * @param source its text in pieces, as a model gives it; when it throws, the draft is taken away and the handler has the error
   * @param end what stands beside the text in the message, such as `quickReplies`
   */
  stream(source: AsyncIterable<string> | Iterable<string>, end?: Omit<MessageBody, "content">): Promise<Sent>;
  /** The same by hand. What is not finished when the handler ends is taken away. */
  stream(): Draft;
  /**
   * Asks for a human, after what was said: from then on the bot is silent here, until it is put in charge again.
   * @param queue which humans @throws RequestRefused
   */
  handoff(queue?: string): Promise<void>;
  /** Any command of docs/PROTOCOL.md, asked again when the connection breaks before the answer. @throws RequestRefused */
  request<T extends CommandType>(type: T, fields: Fields<T>): Promise<ReplyOf<T>>;
}

/** An answer under way. */
export interface Draft {
  /** The text so far. */
  readonly text: string;
  /** Adds to it, and does not wait. @throws BotError bot.draft_full, bot.draft_over */
  append(text: string): void;
  /** Ends it with a message; default: the text so far. @throws RequestRefused; BotError bot.draft_over */
  finish(message?: Sayable): Promise<Sent>;
  /** Ends it without one. @param reason shown to the members, up to 200 characters */
  abort(reason?: string): Promise<void>;
}

export interface MessageContext<State> extends Context<State, MessageCreated> {
  /** The text, or the caption of what has one; else empty. */
  readonly text: string;
}

export interface CommandContext<State> extends MessageContext<State> {
  /** Without the slash. */
  readonly command: string;
  /** Separated by white space; what stands in double quotes is one. */
  readonly args: readonly string[];
  /** All after the name, as it was written. */
  readonly argument: string;
}

/** A picture: by its URL, or as the bytes that came in the message. */
export type Photo =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly mime: string; readonly name: string | undefined };

export interface PhotoContext<State> extends MessageContext<State> {
  readonly photo: Photo;
}

/** A tap on something that the bot said. */
export interface TapContext<State> extends Context<State, InteractionCreated> {
  /** Id of what was tapped. */
  readonly action: string;
  /** Seq of the message that it belongs to. */
  readonly target: number;
  /** A few words that only who tapped sees, on the devices that are connected. Up to 200 characters. @throws RequestRefused */
  toast(text: string): Promise<void>;
  /** Gives the tapped message another content of the same type, in place. @throws RequestRefused */
  replace(content: Content | string): Promise<Sent>;
}

export interface ActionContext<State> extends TapContext<State> {
  /** What the button carries; only a `postback` and a `datetime` have some. */
  readonly data: InteractionCreated["data"];
  /** What was chosen or given with the tap: a day, an address, a place. */
  readonly value: InteractionCreated["value"];
}

export interface FormContext<State> extends TapContext<State> {
  /** What was filled in, by the fields' ids, as the server has checked it against the form. */
  readonly values: FormValue;
}

/** Handles an event, or hands it on with `next` to whatever fits it less closely. */
export type Handler<C> = (context: C, next: () => Promise<void>) => unknown;

export type Middleware<State> = Handler<Context<State>>;
