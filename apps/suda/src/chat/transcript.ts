/**
 * A conversation as rows of cells: day lines, the unread line, messages with their states, remarks. Pure: the
 * same items and width give the same rows.
 */
import type { LogEvent, UserId } from "@suda/protocol";
import { buttonsOf } from "./buttons.ts";
import { cutToWidth, graphemes, graphemeWidth, textWidth } from "./cell-width.ts";
import type { Messages } from "./messages.ts";
import { buttonSpan, spaced } from "./render-content/drawing.ts";
import { contentSummary, renderContent } from "./render-content/render-content.ts";
import type { Row, Span, Style } from "./span.ts";
import { tapText } from "./tap-text.ts";
import { safeLine } from "./text-safety.ts";
import type { ShownChange, ShownMessage, TranscriptItem } from "./transcript-items.ts";

/** Cells that a quoted message takes at most. */
const quoteWidth = 30;

export interface TranscriptOptions {
  readonly items: readonly TranscriptItem[];
  readonly unreadAfter: number | undefined;
  /** Whether the first item is the first of the log. */
  readonly isFromBeginning: boolean;
  readonly width: number;
  readonly me: UserId | undefined;
  readonly nameOf: (user: UserId) => string;
  readonly messages: Messages;
}

export function transcriptRows(options: TranscriptOptions): Row[] {
  const { items, unreadAfter, width, messages, me } = options;
  const format = formats[messages.locale];
  const rows: Row[] = [];
  if (options.isFromBeginning && items.some(({ kind }) => kind !== "notice")) rows.push(ruleRow(messages.beginning, width, "dim"));
  let day = "";
  let isUnreadDrawn = false;
  for (const item of items) {
    const at = atOf(item);
    if (at !== undefined) {
      const itemDay = format.day(at);
      if (itemDay !== day) rows.push(ruleRow(itemDay, width, "dim"));
      day = itemDay;
    }
    const isUnread = unreadAfter !== undefined && (seqOf(item) ?? 0) > unreadAfter && fromOf(item) !== me;
    if (isUnread && !isUnreadDrawn) {
      rows.push(ruleRow(messages.unreadLine, width, "unread"));
      isUnreadDrawn = true;
    }
    const indent = at === undefined ? 2 : textWidth(format.time(at)) + 1;
    rows.push(...wrapSpans(itemSpans(item, options), width, Math.min(indent, Math.floor(width / 3))));
  }
  return rows;
}

/** The same sentence without colours and wrapping, for plain lines. */
export function itemText(item: TranscriptItem, options: Pick<TranscriptOptions, "nameOf" | "messages">): string {
  return itemSpans(item, options)
    .map(({ text }) => text)
    .join("");
}

function atOf(item: TranscriptItem): number | undefined {
  if (item.kind === "message") return item.message.at;
  return item.kind === "change" ? item.event.at : undefined;
}

function seqOf(item: TranscriptItem): number | undefined {
  if (item.kind === "message") return item.message.seq;
  return item.kind === "change" ? item.event.seq : undefined;
}

function fromOf(item: TranscriptItem): UserId | undefined {
  if (item.kind === "message") return item.message.from;
  return item.kind === "change" ? item.event.from : undefined;
}

function itemSpans(item: TranscriptItem, { nameOf, messages }: Pick<TranscriptOptions, "nameOf" | "messages">): Span[] {
  if (item.kind === "notice") return [{ text: `· ${item.notice.text}`, style: item.notice.isError ? "error" : "dim" }];
  const time: Span = { text: `${formats[messages.locale].time(atOf(item) ?? 0)} `, style: "dim" };
  if (item.kind === "change") return [time, { text: changeText(item, nameOf, messages), style: "dim" }];
  const { message, quoted, isPinned } = item;
  const name = ({ from, sender }: ShownMessage): string => {
    const own = from === undefined ? messages.you : nameOf(from);
    // A bot may show another name, but not instead of its own.
    return sender?.name === undefined ? own : `${safeLine(sender.name)} (${own})`;
  };
  const quote =
    quoted === undefined ? "…" : `${name(quoted)}: ${cutWithMark(contentSummary(quoted.content, { messages, altText: quoted.altText }), quoteWidth)}`;
  const buttons = buttonsOf(message, item.isNewest === true);
  return [
    time,
    { text: `${name(message)}: `, style: message.isMine ? "mine" : "other" },
    ...(message.replyTo === undefined ? [] : [{ text: `(↪ ${quote}) `, style: "dim" } as const]),
    ...renderContent(message.content, { messages, buttons: buttons.ofContent, altText: message.altText }),
    ...(message.isGrowing === undefined ? [] : [{ text: "▌", style: "dim" } as const]),
    ...(message.edited === undefined ? [] : [{ text: ` ${messages.edited}`, style: "dim" } as const]),
    ...(message.reactions ?? []).map(({ emoji, count, mine }): Span => ({ text: ` ${safeLine(emoji)}${count}`, style: mine === true ? "bold" : "dim" })),
    ...(isPinned === true ? [{ text: " 📌", style: "plain" } as const] : []),
    ...(message.isMine && message.deleted === undefined ? stateSpans(message, messages) : []),
    ...(buttons.quickReplies.length === 0
      ? []
      : [{ text: "\n", style: "plain" } as const, ...spaced(buttons.quickReplies.map((one) => buttonSpan(one, messages)))]),
  ];
}

function cutWithMark(text: string, width: number): string {
  const line = safeLine(text);
  return textWidth(line) <= width ? line : `${cutToWidth(line, width - 1)}…`;
}

function stateSpans({ state, failure }: ShownMessage, messages: Messages): Span[] {
  // The default stands for all that the server has.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (state) {
    case "sending":
      return [{ text: " …", style: "dim" }];
    case "failed":
      return [{ text: ` ✗ ${messages.failed(safeLine(failure?.message ?? ""))}`, style: "error" }];
    case "read":
      return [{ text: " ✓✓", style: "dim" }];
    default:
      return [{ text: " ✓", style: "dim" }];
  }
}

function changeText({ event, target }: Extract<TranscriptItem, { readonly kind: "change" }>, nameOf: (user: UserId) => string, messages: Messages): string {
  const by = nameOf(event.from);
  switch (event.type) {
    case "member.added":
      return messages.added(by, event.users.map(nameOf).join(", "));
    case "member.removed":
      return event.from === event.user ? messages.left(by) : messages.removed(by, nameOf(event.user));
    case "member.updated":
      return messages.roleGiven(by, nameOf(event.user), messages.roles[event.role]);
    case "message.edited":
      return messages.editedBy(by, editedText(event, messages));
    case "message.deleted":
      return messages.deletedBy(by);
    case "reaction.added":
      return messages.reacted(by, safeLine(event.emoji));
    case "reaction.removed":
      return messages.unreacted(by, safeLine(event.emoji));
    case "interaction.created":
      return tapText(event, target, by, messages);
    case "pin.added":
      return messages.pinned(by);
    case "pin.removed":
      return messages.unpinned(by);
    case "conversation.updated":
      return typeof event.title === "string" ? messages.titled(by, safeLine(event.title)) : messages.changed(by);
    case "control.changed":
      return messages.control[event.reason](by, event.queue === undefined ? "" : safeLine(event.queue));
    default:
      // From a newer server: the log has it, so it takes its row.
      return safeLine(messages.unsupported((event as LogEvent).type));
  }
}

/** A bot answers in place too: what it says now, with its buttons. */
function editedText({ content }: Extract<ShownChange, { readonly type: "message.edited" }>, messages: Messages): string {
  const buttons = buttonsOf({ content }, false).ofContent;
  return renderContent(content, { messages, buttons, altText: undefined })
    .map(({ text }) => text)
    .join("");
}

function ruleRow(title: string, width: number, style: Style): Row {
  const free = Math.max(0, width - textWidth(title) - 2);
  const left = Math.min(3, Math.floor(free / 2));
  return [{ text: `${"─".repeat(left)} ${title} ${"─".repeat(free - left)}`, style }];
}

/** Breaks at spaces where a word fits on a row of its own, else anywhere; rows after the first are indented. */
export function wrapSpans(spans: readonly Span[], width: number, indent: number): Row[] {
  const rows: Span[][] = [[]];
  let column = 0;
  const breakRow = (): void => {
    rows.push([{ text: " ".repeat(indent), style: "plain" }]);
    column = indent;
  };
  const put = (text: string, style: Style): void => {
    const row = rows.at(-1);
    const last = row?.at(-1);
    if (last?.style === style) row?.splice(-1, 1, { text: last.text + text, style });
    else row?.push({ text, style });
    column += textWidth(text);
  };
  for (const { text, style } of spans) {
    for (const piece of text.match(/\n|[^\S\n]+|\S+/g) ?? []) {
      if (piece === "\n") breakRow();
      else {
        const pieceWidth = textWidth(piece);
        if (column + pieceWidth <= width) put(piece, style);
        // A space at the end of a row is the break itself.
        else if (piece.trim() === "") breakRow();
        else {
          if (pieceWidth <= width - indent && column > indent) breakRow();
          for (const grapheme of graphemes(piece)) {
            if (column + graphemeWidth(grapheme) > width) breakRow();
            put(grapheme, style);
          }
        }
      }
    }
  }
  return rows;
}

interface Formats {
  time(at: number): string;
  day(at: number): string;
}

const formats: Readonly<Record<"ko" | "en", Formats>> = { ko: createFormats("ko"), en: createFormats("en") };

/** In the zone of this machine; `오후 3:05`, `3:05 PM`. */
function createFormats(locale: "ko" | "en"): Formats {
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
  return {
    // By hand: ICU writes "AM 3:05" for Korean since CLDR 42, and a narrow no-break space in English.
    time(at) {
      const date = new Date(at);
      const clock = `${date.getHours() % 12 === 0 ? 12 : date.getHours() % 12}:${String(date.getMinutes()).padStart(2, "0")}`;
      const isMorning = date.getHours() < 12;
      return locale === "ko" ? `${isMorning ? "오전" : "오후"} ${clock}` : `${clock} ${isMorning ? "AM" : "PM"}`;
    },
    day: (at) => day.format(at),
  };
}
