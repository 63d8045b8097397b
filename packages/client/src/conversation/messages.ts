/** Messages as a page or a terminal shows them: those of the log, then those on their way, each with its state. */
import type { ClientId, LogEvent, MessageCreated, Reaction, UserId } from "@suda/protocol";
import { asShown, type MessageData } from "../custom-types.ts";
import { definedOf } from "../defined.ts";
import type { SendFailure } from "../sending/outbox.ts";
import type { Receipt } from "./receipts.ts";
import type { Outgoing } from "../sending/sender.ts";

interface MessageFields {
  /** The same for one message from `sending` to `read`, and unique in its conversation: a key for lists. */
  readonly key: string;
  readonly clientId: ClientId;
  readonly content: MessageCreated["content"];
  readonly data?: MessageData;
  /** Epoch ms: the server's time, and this device's until it is known. */
  readonly at: number;
  readonly isMine: boolean;
  /** Seq of the message that this one answers. */
  readonly replyTo?: number;
}

export interface StoredMessage extends MessageFields {
  /** Of mine: `delivered` when a device of somebody else's has it, `read` when somebody else has read it. */
  readonly state: "sent" | "delivered" | "read";
  readonly seq: number;
  readonly from: UserId;
  /** How often and when it was last edited. */
  readonly edited?: NonNullable<MessageCreated["edited"]>;
  /** By whom and when it was deleted for all; `content` is then `deleted`. */
  readonly deleted?: NonNullable<MessageCreated["deleted"]>;
  readonly reactions?: readonly Reaction[];
  /** What it says in words: for a type that the page does not show. */
  readonly altText?: string;
  /** Actions below it, as long as it is the newest; gone when one of them was tapped. */
  readonly quickReplies?: NonNullable<MessageCreated["quickReplies"]>;
  /** Actions that can be tapped no more, with the seq of the tap that used each up. */
  readonly used?: NonNullable<MessageCreated["used"]>;
  /** The human who wrote it through the bot's account. */
  readonly agent?: UserId;
  /** The name and picture that a bot shows for this one message. */
  readonly sender?: NonNullable<MessageCreated["sender"]>;
}

export interface SendingMessage extends MessageFields {
  readonly state: "sending";
  /** `undefined` before the first hello told who this is. */
  readonly from: UserId | undefined;
}

export interface FailedMessage extends MessageFields {
  /** Refused for good; it waits for `retry` or `discard`. */
  readonly state: "failed";
  readonly from: UserId | undefined;
  readonly failure: SendFailure;
}

export type Message = StoredMessage | SendingMessage | FailedMessage;

export interface MessageSources {
  readonly events: readonly LogEvent[];
  readonly outgoing: readonly Outgoing[];
  readonly me: UserId | undefined;
  /** The highest seqs that somebody else has read and received. */
  readonly byOthers: Receipt;
}

/** What a message shows as its entry has it. */
const writtenFields = ["data", "replyTo"] as const;
const shownFields = [...writtenFields, "edited", "deleted", "reactions", "altText", "quickReplies", "used", "sender", "agent"] as const;

/** Makes messages once and gives the same objects until they change, so that a page renders only what is new. */
export class MessageViews {
  readonly #ofEvents = new WeakMap<MessageCreated, StoredMessage>();
  readonly #ofOutgoing = new WeakMap<object, Message>();

  build({ events, outgoing, me, byOthers }: MessageSources): readonly Message[] {
    const messages: Message[] = [];
    for (const event of events) if (event.type === "message.created") messages.push(this.#ofEvent(event, me, byOthers));
    for (const one of outgoing) messages.push(this.#of(one, me));
    return messages;
  }

  #ofEvent(event: MessageCreated, me: UserId | undefined, { read, delivered }: Receipt): StoredMessage {
    const isMine = event.from === me;
    const state = !isMine || event.seq > delivered ? "sent" : event.seq > read ? "delivered" : "read";
    const known = this.#ofEvents.get(event);
    if (known?.state === state && known.isMine === isMine) return known;
    const { clientId, content, at, seq, from } = event;
    const fields = { key: isMine ? clientId : `seq ${seq}`, clientId, content, ...asShown(definedOf(event, shownFields)), at, isMine };
    const message: StoredMessage = { ...fields, state, seq, from };
    this.#ofEvents.set(event, message);
    return message;
  }

  #of({ entry, state }: Outgoing, me: UserId | undefined): Message {
    const known = this.#ofOutgoing.get(state);
    if (known !== undefined && known.from === me) return known;
    const { clientId, content, at } = entry;
    const fields = { key: clientId, clientId, content, ...asShown(definedOf(entry, writtenFields)), at, isMine: true } as const;
    const message = this.#stateOf(fields, state, me);
    this.#ofOutgoing.set(state, message);
    return message;
  }

  #stateOf(fields: MessageFields, state: Outgoing["state"], me: UserId | undefined): Message {
    switch (state.is) {
      case "sending":
        return { ...fields, state: "sending", from: me };
      case "failed":
        return { ...fields, state: "failed", from: me, failure: state.failure };
      case "stored":
        // Only a connection that said hello can have been answered, so it is known who this is.
        return { ...fields, state: "sent", seq: state.seq, at: state.at, from: me as UserId };
    }
  }
}
