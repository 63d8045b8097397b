/** What the terminal shows of a conversation, in order: the client's snapshot, with the program's remarks in their places. */
import type { ConversationSnapshot, FailedMessage, Message, StoredMessage } from "@suda/client";
import type { LogEvent, MessageCreated, UserId } from "@suda/protocol";
import type { Notice } from "./notices.ts";

/** As much of a message as is drawn: of the snapshot, or of an event that is printed as a line. */
export interface ShownMessage
  extends Pick<StoredMessage, "content" | "at" | "isMine" | "edited" | "deleted" | "reactions" | "replyTo" | "altText" | "quickReplies" | "used" | "sender"> {
  readonly from: UserId | undefined;
  readonly seq?: number;
  readonly state: Message["state"];
  readonly failure?: FailedMessage["failure"];
  /** A bot's answer that is not a message yet. */
  readonly isGrowing?: true;
}

/** An event between messages. */
export type ShownChange = Exclude<LogEvent, MessageCreated>;

export type TranscriptItem =
  | {
      readonly kind: "message";
      readonly message: ShownMessage;
      /** What it answers, as far as that is held. */
      readonly quoted?: ShownMessage | undefined;
      readonly isPinned?: boolean;
      /** Quick replies are shown below the newest message alone. */
      readonly isNewest?: boolean;
    }
  | {
      readonly kind: "change";
      readonly event: ShownChange;
      /** What was tapped, as far as that is held. */
      readonly target?: ShownMessage | undefined;
    }
  | { readonly kind: "notice"; readonly notice: Notice };

/** An event as an item of its own, for lines that are printed once. */
export function itemOf(event: LogEvent, me: UserId | undefined, { messages }: Pick<ConversationSnapshot, "messages">): TranscriptItem {
  const stored = bySeq(messages);
  if (event.type !== "message.created") return changeOf(event, stored);
  const newest = messages.findLast((message) => "seq" in message)?.seq ?? 0;
  const message = { ...event, isMine: event.from === me, state: "sent" } as const;
  return { kind: "message", message, quoted: stored.get(event.replyTo ?? 0), isNewest: event.seq >= newest };
}

export function transcriptItems(
  { events, messages, record, drafts = [] }: Pick<ConversationSnapshot, "events" | "messages" | "record"> & Partial<Pick<ConversationSnapshot, "drafts">>,
  notices: readonly Notice[],
): TranscriptItem[] {
  const items: TranscriptItem[] = [];
  const stored = bySeq(messages);
  const pins = new Set(record?.pins);
  const add = (message: Message): void => {
    const isPinned = "seq" in message && pins.has(message.seq);
    items.push({ kind: "message", message, quoted: stored.get(message.replyTo ?? 0), isPinned, isNewest: message === messages.at(-1) });
  };
  let next = 0;
  const noticesBefore = (seq: number): void => {
    for (let notice = notices[next]; notice !== undefined && notice.afterSeq < seq; notice = notices[++next]) items.push({ kind: "notice", notice });
  };
  for (const event of events) {
    const message = event.type === "message.created" ? stored.get(event.seq) : undefined;
    // What was changed about a message is on the message.
    if (message === undefined && isAboutMessage(event)) continue;
    noticesBefore(event.seq);
    if (message !== undefined) add(message);
    else if (event.type !== "message.created") items.push(changeOf(event, stored));
  }
  noticesBefore(Number.POSITIVE_INFINITY);
  // Those on their way, and those whose event has not come.
  const last = events.at(-1)?.seq ?? 0;
  for (const message of messages) if (!("seq" in message) || message.seq > last) add(message);
  for (const { text, ...draft } of drafts) {
    const message = { ...draft, content: { type: "text", text }, isMine: false, state: "sent", isGrowing: true } as const;
    items.push({ kind: "message", message, quoted: stored.get(draft.replyTo ?? 0) });
  }
  return items;
}

function changeOf(event: ShownChange, stored: ReadonlyMap<number, StoredMessage>): TranscriptItem {
  return { kind: "change", event, ...(event.type === "interaction.created" ? { target: stored.get(event.target) } : {}) };
}

function bySeq(messages: readonly Message[]): ReadonlyMap<number, StoredMessage> {
  return new Map(messages.flatMap((message) => ("seq" in message ? [[message.seq, message]] : [])));
}

function isAboutMessage({ type, ...event }: LogEvent): boolean {
  // What such a button says is a message of its own, right behind.
  if ("kind" in event && event.kind === "message") return true;
  return type === "message.edited" || type === "message.deleted" || type === "reaction.added" || type === "reaction.removed";
}
