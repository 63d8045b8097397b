/** A conversation as the users of this package see it. */
import type { Content, Conversation, ConversationId, InteractionValue, LogEvent, ReplyOf, UserId } from "@suda/protocol";
import type { MessageData } from "../custom-types.ts";
import type { Draft } from "./drafts.ts";
import type { Message } from "./messages.ts";
import type { Receipt } from "./receipts.ts";
import type { Sending } from "../sending/sender.ts";
import type { Observable } from "../snapshot-store.ts";

export interface ConversationSnapshot {
  readonly id: ConversationId;
  /** `loading` until the newest page is there; `left` when it is not the user's any more. */
  readonly status: "loading" | "ready" | "left";
  /** Title, members, head and so on; `undefined` until it is known. */
  readonly record: Conversation | undefined;
  /** The newest part of the log, ascending and without holes: messages, and what happened between them. */
  readonly events: readonly LogEvent[];
  /** The messages among them, then those on their way out. */
  readonly messages: readonly Message[];
  /** Whether {@link ClientConversation.loadOlder} would find something. */
  readonly hasOlder: boolean;
  /** Others who are writing. */
  readonly typing: readonly UserId[];
  /** Bots that work on an answer, and show nothing of it yet. */
  readonly thinking: readonly UserId[];
  /** Answers of bots while they grow; each is gone in the snapshot in which its message is there. */
  readonly drafts: readonly Draft[];
  /** How far others have read, and how far their devices have received. Of groups of over 100 members nothing is told. */
  readonly receipts: ReadonlyMap<UserId, Receipt>;
  /** How far the user has read. */
  readonly read: number;
  /** Messages of others after that. */
  readonly unread: number;
}

export interface SendOptions {
  readonly data?: MessageData;
  /** Seq of the message that this one answers. */
  readonly replyTo?: number;
}

/**
 * Subscribing opens it: the newest page is loaded and events are held, also across broken connections, until
 * 30 s after the last subscriber has gone.
 */
export interface ClientConversation extends Observable<ConversationSnapshot> {
  readonly id: ConversationId;
  /** Opens it without a subscriber, for 30 s; resolves when the newest page is there. @throws RequestRefused, ClientClosed */
  load(): Promise<void>;
  /** Reads 50 older events; false when there are none, or 10,000 are held. @throws ConnectionLost, RequestRefused */
  loadOlder(): Promise<boolean>;
  /** Shows the message at once and sends it as soon as that is possible. @throws OutboxFull, ClientClosed */
  sendText(text: string, options?: SendOptions): Sending;
  /** As {@link sendText}, with any content. */
  send(content: Content, options?: SendOptions): Sending;
  /** Sends a failed message again, with the same clientId; `undefined` when there is none. */
  retry(clientId: string): Sending | undefined;
  /** Forgets a failed message, or one that has not gone out; false when it is on its way or there is none. */
  discard(clientId: string): boolean;
  /**
   * Taps an action or quick reply of the message at `seq`, or sends its form (`submit`), with what it asks for. Tried again with
   * the same clientId until there is an answer, but not after the program's end. `used`: it was used up before, and `seq` is
   * that tap. @throws RequestRefused, OutboxFull when 32 wait already, ClientClosed
   */
  tap(seq: number, action: string, value?: InteractionValue): Promise<ReplyOf<"interaction.tap">>;
  /** The user has read up to `seq`, by default everything. Told to the server when there is a connection; never goes back. */
  markRead(seq?: number): void;
  /** Call it at each stroke: others are told at most every 3 s. */
  startTyping(): void;
  /** The text field was emptied. Sending says it too. */
  stopTyping(): void;
}
