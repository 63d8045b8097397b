/** What the bot shows: goods, cart, summary with its question, receipt. Words are in `sentences.ts`. */
import type { Action, CommerceContent, DetailsContent, MessageBody } from "@suda/protocol";
import type { Quote } from "./cart.ts";
import { addressOf, deliveryForm, type Delivery, type KnownDelivery } from "./delivery.ts";
import { formatWon } from "./format-won.ts";
import type { Language } from "./language.ts";
import type { Order } from "./order-book.ts";
import type { Product } from "./products.ts";
import { sentences } from "./sentences.ts";

/** A carousel of what there is; its buttons may be pressed as often as one likes. */
export function goodsMessage(language: Language, catalogue: readonly Product[]): MessageBody {
  const say = sentences[language];
  const items = catalogue.map(
    ({ sku, title, description, price, picture }): CommerceContent => ({
      type: "commerce",
      title: title[language],
      description: description[language],
      price,
      currency: "KRW",
      ...(picture === undefined ? {} : { thumbnail: { url: picture, alt: title[language], ratio: "1:1" } }),
      buttons: [{ type: "postback", id: `add-${sku}`, route: "add", label: say.add, data: { sku } }],
    }),
  );
  const words = catalogue.map(({ title, price }) => `${title[language]} ${formatWon(price, language)}`);
  return { content: { type: "carousel", items }, altText: `${say.goods}: ${words.join(", ")}` };
}

/** The words beside the cart say no amounts: an edit of the cart leaves them as they are. */
export function cartMessage(language: Language, quote: Quote): MessageBody {
  return { content: cartContent(language, quote), altText: sentences[language].cart };
}

export function cartContent(language: Language, quote: Quote): DetailsContent {
  const say = sentences[language];
  const more: Action = { type: "postback", id: "more", label: say.more };
  if (quote.lines.length === 0) return { type: "details", head: say.cart, rows: [{ label: say.total, value: say.emptied }], buttons: [more] };
  return {
    ...amounts(language, quote),
    head: say.cart,
    buttons: [
      { type: "postback", id: "checkout", label: say.checkout, style: "primary" },
      more,
      { type: "postback", id: "empty", label: say.empties, style: "danger" },
    ],
  };
}

/** Asks for what is not known yet. */
export function deliveryMessage(language: Language, known: KnownDelivery): MessageBody {
  return { content: deliveryForm(language, known), altText: sentences[language].deliveryTitle };
}

/** All that is ordered, and the question. What is said in words, which a locked screen may show, has no address in it. */
export function confirmMessages(language: Language, quote: Quote, delivery: Delivery): readonly [MessageBody, MessageBody] {
  const say = sentences[language];
  const question = say.question(formatWon(quote.total, language));
  const content: DetailsContent = {
    ...amounts(language, quote),
    head: say.summary,
    title: `${delivery.name} · ${delivery.phone}`,
    description: addressOf(delivery),
  };
  return [
    { content, altText: `${say.summary}: ${quote.lines.map(({ title, quantity }) => `${title[language]} ×${quantity}`).join(", ")}` },
    {
      content: {
        type: "confirm",
        text: question,
        actions: [
          { type: "postback", id: "order", label: say.yes, style: "primary", once: true },
          { type: "postback", id: "not-yet", label: say.no, once: true },
        ],
      },
      altText: question,
    },
  ];
}

export function receiptMessage({ language, number, at, quote, delivery }: Order): MessageBody {
  const say = sentences[language];
  return {
    content: {
      type: "receipt",
      orderNumber: number,
      currency: "KRW",
      paymentMethod: say.onDelivery,
      at,
      recipient: delivery.name,
      merchant: say.merchant,
      items: quote.lines.map(({ title, quantity, price }) => ({ title: title[language], quantity, price })),
      address: addressOf(delivery),
      summary: { subtotal: quote.subtotal, shipping: quote.shipping, total: quote.total },
    },
    altText: say.receipt(number, formatWon(quote.total, language)),
  };
}

function amounts(language: Language, { lines, shipping, total }: Quote): Pick<DetailsContent, "type" | "rows" | "summary" | "alignment"> {
  const say = sentences[language];
  return {
    type: "details",
    rows: [
      ...lines.map(({ title, quantity, unitPrice, price }) => ({
        label: title[language],
        value: say.pieces(quantity, formatWon(unitPrice, language), formatWon(price, language)),
      })),
      { label: say.shipping, value: shipping === 0 ? say.free : formatWon(shipping, language) },
    ],
    summary: { label: say.total, value: formatWon(total, language) },
    alignment: "right",
  };
}
