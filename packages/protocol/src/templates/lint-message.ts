/**
 * What another platform would not show as it is: warnings, not refusals, for a message that may be sent. The numbers
 * are those of the platforms' own documents; docs/BOTS.md lists them. Rule T12.
 */
import { codePointLength } from "../code-points.ts";
import type { Action, PostbackData } from "./actions.ts";
import type { CarouselItem } from "./carousel.ts";
import type { MessageBody } from "./envelope.ts";
import { actionsOf } from "./find-action.ts";
import type { Row } from "./lists.ts";
import { fault, type MessageFault } from "./message-fault.ts";

export const lintTargets = ["line", "kakao", "messenger", "telegram"] as const;
export type LintTarget = (typeof lintTargets)[number];

export interface LintWarning extends MessageFault {
  readonly target: LintTarget;
}

/** Numbers of the platforms. Lengths count code points. */
const kakao = { label: 14, labelSideBySide: 8, messages: 3, quickReplies: 10, rowLabel: 6, listItems: 5, currency: "KRW" } as const;
const line = { title: 40, textBesideImage: 60, text: 160, columns: 10, quickReplyLabel: 20 } as const;
const messenger = { title: 80, buttons: 3, label: 20, elements: 10 } as const;
const telegram = { dataBytes: 64 } as const;

const encoder = new TextEncoder();

/** All warnings of one message that fits its schema and the rules across fields; paths are of the message. */
export function lintMessage(message: MessageBody, target: LintTarget): readonly LintWarning[] {
  return [...warningsOf[target](message)].map((found) => ({ target, ...found }));
}

/** Of messages that are sent together; paths begin with the message's index. */
export function lintMessages(messages: readonly MessageBody[], target: LintTarget): readonly LintWarning[] {
  const each = messages.flatMap((message, index) =>
    lintMessage(message, target).map((found) => ({ ...found, path: `/${index}${found.path}`, message: `/${index}${found.message}` })),
  );
  if (target !== "kakao" || messages.length <= kakao.messages) return each;
  return [...each, { target, ...fault(`/${kakao.messages}`, `is one message too many; Kakao takes ${kakao.messages} at once`) }];
}

const warningsOf: Readonly<Record<LintTarget, (message: MessageBody) => Generator<MessageFault>>> = {
  *kakao(message) {
    const { content, quickReplies = [] } = message;
    for (const { path, action } of actionsOf(message)) {
      if (isHidden(path)) continue;
      const max = isSideBySide(message, path) ? kakao.labelSideBySide : kakao.label;
      yield* tooLong(`${path}/label`, action.label, max, max === kakao.label ? "Kakao" : "Kakao, where two stand side by side,");
    }
    if (quickReplies.length > kakao.quickReplies) yield fault("/quickReplies", `are ${quickReplies.length}; Kakao shows ${kakao.quickReplies}`);
    if (content.type === "receipt" && content.currency !== kakao.currency) yield fault("/content/currency", "is not KRW, the only one of Kakao");
    for (const { path, item } of itemsOf(message)) {
      if (item.type === "list" && item.items.length > kakao.listItems)
        yield fault(`${path}/items`, `are ${item.items.length}; a list of Kakao shows ${kakao.listItems}`);
      if (item.type === "commerce" && item.currency !== kakao.currency) yield fault(`${path}/currency`, "is not KRW, the only one of Kakao");
      if (item.type === "details") yield* longRows(item.rows, item.summary, path);
    }
  },

  *line(message) {
    const { content, quickReplies = [] } = message;
    if (content.type === "file") yield fault("/content/type", "is file, which bots of LINE cannot send; send a link");
    for (const [index, { action }] of quickReplies.entries()) yield* tooLong(`/quickReplies/${index}/action/label`, action.label, line.quickReplyLabel, "LINE");
    for (const { path, item } of itemsOf(message)) {
      if (item.type === "image") continue;
      const title = titleOf(item);
      if (title !== undefined) yield* tooLong(`${path}/${title.field}`, title.text, line.title, "LINE");
      const text = textOf(item);
      if (text === undefined) continue;
      const hasCompany = title !== undefined || hasImage(item);
      yield* tooLong(
        `${path}/${text.field}`,
        text.text,
        hasCompany ? line.textBesideImage : line.text,
        hasCompany ? "LINE, beside an image or a title," : "LINE",
      );
    }
    if (content.type !== "carousel") return;
    const { items } = content;
    if (items.length > line.columns) yield fault("/content/items", `are ${items.length}; a carousel of LINE has ${line.columns}`);
    const first = buttonCount(items[0]);
    for (const [index, item] of items.entries()) {
      const count = buttonCount(item);
      if (count !== first) yield fault(`/content/items/${index}/buttons`, `are ${count} and those of the first item ${first}; LINE wants as many in each`);
    }
  },

  *messenger(message) {
    const { content } = message;
    for (const { path, action } of actionsOf(message)) if (!isHidden(path)) yield* tooLong(`${path}/label`, action.label, messenger.label, "Messenger");
    for (const { path, item } of itemsOf(message)) {
      if (item.type === "image") continue;
      const title = titleOf(item);
      if (title !== undefined) yield* tooLong(`${path}/${title.field}`, title.text, messenger.title, "Messenger");
      // A text alone becomes a button template, which takes as much as a card does; beside something it is a subtitle.
      const text = textOf(item);
      if (text !== undefined && (title !== undefined || hasImage(item)))
        yield* tooLong(`${path}/${text.field}`, text.text, messenger.title, "Messenger, as a subtitle,");
      if (item.type === "list")
        for (const [index, { description = "" }] of item.items.entries())
          yield* tooLong(`${path}/items/${index}/description`, description, messenger.title, "Messenger, as a subtitle,");
      const count = buttonCount(item);
      if (count > messenger.buttons) yield fault(`${path}/buttons`, `are ${count}; Messenger shows ${messenger.buttons}`);
    }
    if (content.type === "receipt")
      for (const [index, { subtitle = "" }] of (content.items ?? []).entries())
        yield* tooLong(`/content/items/${index}/subtitle`, subtitle, messenger.title, "Messenger");
    if (content.type === "carousel" && content.items.length > messenger.elements)
      yield fault("/content/items", `are ${content.items.length}; Messenger shows ${messenger.elements}`);
  },

  *telegram(message) {
    for (const { path, action } of actionsOf(message)) {
      const data = dataOf(action);
      if (data === undefined) continue;
      const bytes = encoder.encode(typeof data === "string" ? data : JSON.stringify(data)).byteLength;
      if (bytes > telegram.dataBytes) yield fault(`${path}/data`, `is ${bytes} bytes; Telegram takes ${telegram.dataBytes}, so send a key and keep the rest`);
    }
  },
};

function* tooLong(path: string, text: string, max: number, where: string): Generator<MessageFault> {
  const length = codePointLength(text);
  if (length > max) yield fault(path, `has ${length} characters; ${where} shows ${max}`);
}

function* longRows(rows: readonly Row[], summary: Row | undefined, path: string): Generator<MessageFault> {
  for (const [index, { label }] of rows.entries()) yield* tooLong(`${path}/rows/${index}/label`, label, kakao.rowLabel, "Kakao");
  if (summary !== undefined) yield* tooLong(`${path}/summary/label`, summary.label, kakao.rowLabel, "Kakao");
}

/** The message's card, list or the like, or the items of its carousel. */
function* itemsOf({ content }: MessageBody): Generator<{ readonly path: string; readonly item: CarouselItem }> {
  switch (content.type) {
    case "card":
    case "commerce":
    case "list":
    case "details":
      yield { path: "/content", item: content };
      break;
    case "carousel":
      for (const [index, item] of content.items.entries()) yield { path: `/content/items/${index}`, item };
      break;
    case "text":
    case "image":
    case "video":
    case "audio":
    case "file":
    case "location":
    case "bytes":
    case "sticker":
    case "confirm":
    case "receipt":
    case "imagemap":
    case "form":
    case "custom":
      break;
  }
}

/** Labels that are heard and not seen: of a tap on a whole card, an item or an area. */
function isHidden(path: string): boolean {
  return path.endsWith("/defaultAction") || (path.endsWith("/action") && !path.startsWith("/quickReplies"));
}

function isSideBySide({ content }: MessageBody, path: string): boolean {
  if (path.startsWith("/quickReplies")) return false;
  if (content.type === "confirm") return true;
  const card = content.type === "carousel" ? content.items[Number(path.split("/")[3])] : content;
  return card?.type === "card" && card.layout === "horizontal" && card.buttons?.length === 2;
}

interface NamedText {
  readonly field: string;
  readonly text: string;
}

function titleOf(item: Exclude<CarouselItem, { type: "image" }>): NamedText | undefined {
  if (item.type === "list") return { field: "header", text: item.header };
  return item.title === undefined ? undefined : { field: "title", text: item.title };
}

function textOf(item: Exclude<CarouselItem, { type: "image" }>): NamedText | undefined {
  switch (item.type) {
    case "card":
      return item.text === undefined ? undefined : { field: "text", text: item.text };
    case "commerce":
    case "details":
      return item.description === undefined ? undefined : { field: "description", text: item.description };
    case "list":
      return undefined;
  }
}

function hasImage(item: Exclude<CarouselItem, { type: "image" }>): boolean {
  switch (item.type) {
    case "card":
    case "commerce":
      return item.thumbnail !== undefined;
    case "details":
      return item.imageTitle?.image !== undefined;
    case "list":
      return false;
  }
}

function buttonCount(item: CarouselItem | undefined): number {
  return item === undefined || item.type === "image" ? 0 : (item.buttons?.length ?? 0);
}

function dataOf(action: Action): PostbackData | undefined {
  return action.type === "postback" || action.type === "datetime" ? action.data : undefined;
}
