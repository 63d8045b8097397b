/**
 * What a handler gets: the event, the conversation's state, and everything that a bot can do about it. One type per kind of
 * event, so that what a handler can ask of its context is what that event has.
 */
import type { Content, ConversationId, LogEvent, MessageBody, MessageCreated, UserId } from "@suda/protocol";
import type { Fields } from "./session.ts";
import type { CommandType, ReplyOf } from "@suda/protocol";

/** A text, a content, or a content with what stands beside it (`quickReplies`, `altText`…). */
export type Sayable = string | Content | MessageBody;

export interface Sent {
  readonly seq: number;
  readonly at: number;
  /** An earlier try of the same event had said it already; what that try said stands. */
  readonly isDuplicate: boolean;
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
   * Says it in the conversation, after what this context said before. Its clientId comes from the event, so it is there once
   * however often the event is handled. Without `await` the bot waits for it when the handler returns.
   * @throws RequestRefused
   */
  reply(message: Sayable): Promise<Sent>;
  /** Gives one of the bot's own messages another content of the same type. @param target its seq @throws RequestRefused */
  edit(target: number, content: Content | string): Promise<Sent>;
  /** Shows that the bot is writing, until its next message or the end of the handler. Lossy by contract. */
  typing(): void;
  /** Any command of docs/PROTOCOL.md, asked again when the connection breaks before the answer. @throws RequestRefused */
  request<T extends CommandType>(type: T, fields: Fields<T>): Promise<ReplyOf<T>>;
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

/** Handles an event, or hands it on with `next` to whatever fits it less closely. */
export type Handler<C> = (context: C, next: () => Promise<void>) => unknown;

export type Middleware<State> = Handler<Context<State>>;
