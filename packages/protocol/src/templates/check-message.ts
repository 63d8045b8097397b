/**
 * ⑤ Rules across the fields of a message, after its schema has held (`MessageBodySchema`): the first thing that is
 * wrong, with its path and what to do. The server asks it before every append; a bot may ask it before it sends.
 *
 * Rules T1… of docs/PROTOCOL.md. A text without entities and quick replies costs two comparisons.
 */
import { codePointLength } from "../code-points.ts";
import type { Content, ContentOf, ContentType } from "../content.ts";
import { templateLimits } from "../limits.ts";
import type { CarouselContent, CarouselItem } from "./carousel.ts";
import { checkActions } from "./check-actions.ts";
import { checkEntities } from "./check-entities.ts";
import { isCurrency } from "./currencies.ts";
import type { MessageBody } from "./envelope.ts";
import { actionsOf, formSubmitId } from "./find-action.ts";
import type { FormContent, FormField } from "./form.ts";
import { fault, type MessageFault } from "./message-fault.ts";

/** Types that not every client can show, and that a push cannot: they say in words what they are. */
const withAltText: ReadonlySet<ContentType> = new Set([
  "sticker",
  "card",
  "confirm",
  "commerce",
  "list",
  "details",
  "receipt",
  "carousel",
  "imagemap",
  "form",
  "custom",
] as const satisfies readonly ContentType[]);

export function needsAltText(type: ContentType): boolean {
  return withAltText.has(type);
}

/** The first fault of a message that fits its schema; `undefined` when it may be sent. */
export function checkMessage(message: MessageBody): MessageFault | undefined {
  const { content, altText, quickReplies } = message;
  if (content.type === "text" && quickReplies === undefined) return checkContent(content);
  if (altText === undefined && needsAltText(content.type))
    return fault("/altText", `is missing; a ${content.type} needs one of at most ${templateLimits.altTextMaxLength} characters, for those who do not see it`);
  return checkContent(content) ?? checkActions(actionsOf(message), content.type === "form" ? ofForm : undefined) ?? checkSize(message);
}

/**
 * The same of an edit, which changes the content and nothing beside it. Paths are of the edit: what stays cannot be at fault.
 * @param beside what stands beside the content of the message that is edited
 */
export function checkEdit(content: Content, beside: Omit<MessageBody, "content">): MessageFault | undefined {
  const taken = new Map(content.type === "form" ? ofForm : undefined);
  for (const [index, { action }] of (beside.quickReplies ?? []).entries()) taken.set(action.id, `the message's quick reply ${index}`);
  return checkContent(content) ?? checkActions(actionsOf({ content }), taken) ?? checkSize({ ...beside, content });
}

const ofForm: ReadonlyMap<string, string> = new Map([[formSubmitId, "the form's own button"]]);
const encoder = new TextEncoder();

/** The rules of the content alone. Paths begin with `/content`. */
function checkContent(content: Content): MessageFault | undefined {
  switch (content.type) {
    case "text":
      return content.entities === undefined ? undefined : checkEntities(content);
    case "image":
      if (content.album !== undefined && content.album.index >= content.album.total)
        return fault("/content/album/index", "is beyond the album; it counts from 0 and is below total");
      return undefined;
    case "card":
    case "commerce":
    case "list":
    case "details":
      return checkItem(content, "/content");
    case "receipt":
      return checkReceipt(content);
    case "carousel":
      return checkCarousel(content);
    case "imagemap":
      return checkAreas(content.areas, content.baseSize, "/content");
    case "form":
      return checkForm(content);
    case "video":
    case "audio":
    case "file":
    case "location":
    case "bytes":
    case "sticker":
    case "confirm":
    case "custom":
      return undefined;
  }
}

function checkSize(message: MessageBody): MessageFault | undefined {
  // Bytes and texts are bounded by the frame alone; only structure can become long as JSON and short as MessagePack.
  if (!needsAltText(message.content.type)) return undefined;
  const bytes = encoder.encode(JSON.stringify(message)).byteLength;
  return bytes <= templateLimits.messageMaxBytes
    ? undefined
    : fault("/content", `makes the message ${bytes} bytes as JSON; at most ${templateLimits.messageMaxBytes} are taken, so split it`);
}

function checkItem(item: CarouselItem, path: string): MessageFault | undefined {
  switch (item.type) {
    case "card":
      if (item.thumbnail !== undefined && item.video !== undefined) return fault(`${path}/video`, "stands beside a thumbnail; a card has one of the two");
      if (item.title === undefined && item.text === undefined && item.thumbnail === undefined && item.video === undefined)
        return fault(path, "has nothing to show; give it a title, a text or a thumbnail");
      return undefined;
    case "commerce":
      return checkPrice(item, path);
    case "details": {
      if (item.head !== undefined && item.profile !== undefined) return fault(`${path}/profile`, "stands beside a head; details have one of the two");
      const length = codePointLength(item.title ?? "") + codePointLength(item.description ?? "");
      if (length > templateLimits.detailsTextMaxLength)
        return fault(`${path}/description`, `is too long: with the title at most ${templateLimits.detailsTextMaxLength} characters together`);
      return undefined;
    }
    case "list":
    case "image":
      return undefined;
  }
}

function checkPrice({ currency, price, discount, discountRate, discountedPrice }: ContentOf<"commerce">, path: string): MessageFault | undefined {
  if (!isCurrency(currency)) return unknownCurrency(path);
  if (discount !== undefined && (discountRate !== undefined || discountedPrice !== undefined))
    return fault(`${path}/discount`, "stands beside a discountRate or discountedPrice; give either discount, or those two");
  if (discountRate !== undefined && discountedPrice === undefined) return fault(`${path}/discountedPrice`, "is missing; a discountRate needs it");
  if (discountRate === undefined && discountedPrice !== undefined) return fault(`${path}/discountRate`, "is missing; a discountedPrice needs it");
  if (discount !== undefined && discount > price) return fault(`${path}/discount`, "is more than the price");
  if (discountedPrice !== undefined && discountedPrice > price) return fault(`${path}/discountedPrice`, "is more than the price");
  return undefined;
}

function unknownCurrency(path: string): MessageFault {
  return fault(`${path}/currency`, "is not a currency of ISO 4217; write KRW, USD, EUR…");
}

function checkReceipt({ currency, summary, adjustments = [] }: ContentOf<"receipt">): MessageFault | undefined {
  if (!isCurrency(currency)) return unknownCurrency("/content");
  const { subtotal, shipping = 0, tax = 0, total } = summary;
  if (subtotal === undefined) return undefined;
  const expected = adjustments.reduce((sum, { amount }) => sum - amount, subtotal + shipping + tax);
  return expected === total ? undefined : fault("/content/summary/total", "is not subtotal + shipping + tax − adjustments; leave out subtotal, or correct it");
}

function checkCarousel({ items }: CarouselContent): MessageFault | undefined {
  const [first] = items;
  let ratio: string | undefined;
  for (const [index, item] of items.entries()) {
    const path = `/content/items/${index}`;
    if (item.type !== first?.type) return fault(`${path}/type`, "is not the type of the first item; a carousel has items of one type");
    if (item.type !== "image" && (item.buttons?.length ?? 0) > templateLimits.buttonsMax)
      return fault(`${path}/buttons`, `are too many; an item of a carousel has at most ${templateLimits.buttonsMax}`);
    const found = checkItem(item, path);
    if (found !== undefined) return found;
    const own = ratioOf(item);
    if (own === undefined) continue;
    ratio ??= own.ratio;
    if (own.ratio !== ratio) return fault(path + own.path, "is not the ratio of the images before; a carousel has one ratio");
  }
  return undefined;
}

function ratioOf(item: CarouselItem): { readonly path: string; readonly ratio: string } | undefined {
  switch (item.type) {
    case "card":
    case "commerce":
      return item.thumbnail && { path: "/thumbnail/ratio", ratio: item.thumbnail.ratio ?? "2:1" };
    case "image":
      return { path: "/ratio", ratio: item.ratio ?? "2:1" };
    case "list":
    case "details":
      return undefined;
  }
}

/** Of an imagemap, and of a menu that is an image. */
export function checkAreas(areas: ContentOf<"imagemap">["areas"], base: ContentOf<"imagemap">["baseSize"], path: string): MessageFault | undefined {
  for (const [index, { x, y, width, height }] of areas.entries())
    if (x + width > base.width || y + height > base.height)
      return fault(`${path}/areas/${index}`, `reaches beyond baseSize, which is ${base.width} × ${base.height}`);
  return undefined;
}

function checkForm({ fields }: FormContent): MessageFault | undefined {
  const ids = new Set<string>();
  for (const [index, field] of fields.entries()) {
    const path = `/content/fields/${index}`;
    if (ids.has(field.id)) return fault(`${path}/id`, "is the id of another field; give every field an id of its own");
    ids.add(field.id);
    const found = checkField(field, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkField({ kind, options, maxLength }: FormField, path: string): MessageFault | undefined {
  const hasOptions = kind === "select" || kind === "multiselect";
  if (hasOptions && options === undefined) return fault(`${path}/options`, `is missing; a ${kind} needs something to choose from`);
  if (!hasOptions && options !== undefined) return fault(`${path}/options`, `does nothing in a ${kind}; only select and multiselect have options`);
  if (maxLength !== undefined && kind !== "text" && kind !== "textarea")
    return fault(`${path}/maxLength`, `does nothing in a ${kind}; only text and textarea have one`);
  const values = new Set<string>();
  for (const [index, { value }] of (options ?? []).entries()) {
    if (values.has(value)) return fault(`${path}/options/${index}/value`, "is the value of another option; give every option a value of its own");
    values.add(value);
  }
  return undefined;
}
