/**
 * A bot that takes orders: goods in a carousel, a cart that is edited in place, a form for the address, a question, a receipt.
 *
 * Where a customer is stands in the conversation's state, which its store keeps, so the bot may be stopped and started between any
 * two steps. What must not happen twice, the order, goes by a key of the tap that made it (`order-book.ts`).
 */
import { createBot, type ActionContext, type Bot, type BotOptions, type CommandContext, type Context } from "@suda/bot";
import { RequestRefused } from "@suda/client";
import { isDeepStrictEqual } from "node:util";
import { addToCart, quoteOf, readQuantity, type CartLine, type Quote } from "./cart.ts";
import { checkDelivery, type Delivery, type KnownDelivery } from "./delivery.ts";
import { languageOf, type Language } from "./language.ts";
import type { Order, OrderBook } from "./order-book.ts";
import { checkProducts, products, type Product } from "./products.ts";
import { cartContent, cartMessage, confirmMessages, deliveryMessage, goodsMessage, receiptMessage } from "./shop-messages.ts";
import { commands, sentences, type ShopCommand } from "./sentences.ts";

export interface OrderState {
  language: Language;
  cart: readonly CartLine[];
  /** Seq of the message that shows the cart. */
  shownCart?: number;
  step: Step;
}

export type Step =
  | { readonly is: "choosing" }
  /** A form is out; what earlier ones have brought is not asked again. */
  | { readonly is: "address"; readonly known: KnownDelivery }
  /** The question, by its seq, and what it asks. */
  | { readonly is: "confirming"; readonly question: number; readonly quote: Quote; readonly delivery: Delivery };

export interface OrderBotOptions extends Omit<BotOptions<OrderState>, "initialState"> {
  readonly orders: OrderBook;
  /** Default: those of `products.ts`. */
  readonly catalogue?: readonly Product[];
}

type Ctx = Context<OrderState>;

/** @throws RangeError for a catalogue that could not be shown */
export function createOrderBot({ orders, catalogue = products, ...options }: OrderBotOptions): Bot<OrderState> {
  checkProducts(catalogue);
  const bot = createBot<OrderState>({
    name: "수다 문구",
    ...options,
    initialState: () => ({ language: "en", cart: [], step: { is: "choosing" } }),
  });
  const command = (name: ShopCommand, handler: (ctx: CommandContext<OrderState>) => unknown): void => {
    for (const language of ["en", "ko"] as const) {
      const [word, description] = commands[name][language];
      bot.command(word, description, (ctx) => {
        // In a group everybody would read the address. No button of the bot's ever comes to one.
        if (!isDirect(ctx)) return ctx.reply(sentences[language].direct);
        ctx.state.language = language;
        return handler(ctx);
      });
    }
  };

  command("shop", showGoods);
  command("cart", (ctx) => (ctx.state.cart.length === 0 ? ctx.reply(sentences[ctx.state.language].empty) : showCart(ctx)));
  command("buy", (ctx) => {
    const [sku = "", count = "1"] = ctx.args;
    const quantity = readQuantity(count);
    return quantity === undefined ? ctx.reply(sentences[ctx.state.language].quantity) : add(ctx, { sku, quantity });
  });

  bot.on("message", async (ctx) => {
    const { state } = ctx;
    if (!isDirect(ctx)) return;
    state.language = languageOf(ctx.text) ?? state.language;
    switch (state.step.is) {
      case "choosing":
        await ctx.reply(sentences[state.language].greeting, goodsMessage(state.language, catalogue));
        if (state.cart.length > 0) await showCart(ctx);
        return;
      case "address":
        await ctx.reply(sentences[state.language].deliveryWaits);
        return;
      case "confirming":
        return ask(ctx, state.step.delivery);
    }
  });

  bot.action("add", (ctx) => {
    const sku = typeof ctx.data === "object" ? ctx.data["sku"] : undefined;
    return add(ctx, { sku: typeof sku === "string" ? sku : "", quantity: 1, tap: ctx });
  });
  bot.action("more", showGoods);
  bot.action("empty", async (ctx) => {
    const { state } = ctx;
    state.cart = [];
    state.step = { is: "choosing" };
    await showCart(ctx, ctx.target);
    // More goods begin a new one: a message has 200 edits, and a cart that is full has had fewer.
    delete state.shownCart;
  });
  bot.action("checkout", async (ctx) => {
    const { state } = ctx;
    if (isEmpty(ctx)) return ctx.reply(sentences[state.language].empty);
    const known = state.step.is === "address" ? state.step.known : {};
    state.step = { is: "address", known };
    return ctx.reply(deliveryMessage(state.language, known));
  });

  bot.form(async (ctx) => {
    const { state } = ctx;
    const say = sentences[state.language];
    if (isEmpty(ctx)) return ctx.reply(say.empty);
    const { known, wrong, delivery } = checkDelivery(ctx.values, state.step.is === "address" ? state.step.known : {});
    if (delivery !== undefined) return ask(ctx, delivery);
    state.step = { is: "address", known };
    return ctx.reply(wrong.map((field) => say.wrong[field]).join("\n"), deliveryMessage(state.language, known));
  });

  bot.action("order", async (ctx) => {
    const { state } = ctx;
    // Nobody else's tap has this key, and this one has no other, however often it comes and whatever has changed since.
    const key = `${ctx.conversation} ${ctx.from} ${ctx.event.clientId}`;
    const order = (await orders.find(key)) ?? (await place(ctx, key));
    if (order === undefined) return;
    await ctx.reply(receiptMessage(order));
    state.cart = [];
    state.step = { is: "choosing" };
    delete state.shownCart;
  });
  bot.action("not-yet", async (ctx) => {
    const { state } = ctx;
    if (!isOpen(state.step, ctx.target)) return ctx.reply(sentences[state.language].outdated);
    state.step = { is: "choosing" };
    return showCart(ctx);
  });
  return bot;

  function showGoods(ctx: Ctx): unknown {
    return ctx.reply(goodsMessage(ctx.state.language, catalogue));
  }

  function isEmpty({ state }: Ctx): boolean {
    return quoteOf(state.cart, catalogue).lines.length === 0;
  }

  async function add(ctx: Ctx, { sku, quantity, tap }: { sku: string; quantity: number; tap?: ActionContext<OrderState> }): Promise<void> {
    const { state } = ctx;
    const say = sentences[state.language];
    const product = catalogue.find((one) => one.sku === sku);
    if (product === undefined) {
      // An old carousel may offer what is gone.
      await ctx.reply(say.unknown(sku.slice(0, 32), catalogue.map((one) => one.sku).join(", ")));
      return;
    }
    const cart = addToCart(state.cart, sku, quantity);
    if (cart === undefined) {
      await (tap === undefined ? ctx.reply(say.tooMany) : tap.toast(say.tooMany));
      return;
    }
    state.cart = cart;
    // What was asked was about another cart.
    if (state.step.is === "confirming") state.step = { is: "choosing" };
    await tap?.toast(say.added(product.title[state.language], cart.find((line) => line.sku === sku)?.quantity ?? quantity));
    // Below the carousel that was tapped it changes in place; above it, nobody would see it.
    await showCart(ctx, tap !== undefined && state.shownCart !== undefined && state.shownCart > tap.target ? state.shownCart : undefined);
  }

  /** @param inPlaceOf seq of an earlier cart; without it, or when it is gone, the cart is a new message */
  async function showCart(ctx: Ctx, inPlaceOf?: number): Promise<void> {
    const { state } = ctx;
    const quote = quoteOf(state.cart, catalogue);
    if (inPlaceOf !== undefined) {
      try {
        await ctx.edit(inPlaceOf, cartContent(state.language, quote));
        return;
      } catch (error) {
        if (!(error instanceof RequestRefused) || !error.code.startsWith("message.")) throw error;
      }
    }
    state.shownCart = (await ctx.reply(cartMessage(state.language, quote))).seq;
  }

  async function ask(ctx: Ctx, delivery: Delivery): Promise<void> {
    const { state } = ctx;
    const quote = quoteOf(state.cart, catalogue);
    if (quote.lines.length === 0) {
      // All that was chosen has gone from the shop.
      state.cart = [];
      state.step = { is: "choosing" };
      await ctx.reply(sentences[state.language].empty);
      return;
    }
    const { seqs } = await ctx.reply(...confirmMessages(state.language, quote, delivery));
    state.step = { is: "confirming", question: seqs[1] ?? 0, quote, delivery };
  }

  /** Nothing when there is nothing to place, which the customer is told. */
  async function place(ctx: ActionContext<OrderState>, key: string): Promise<Order | undefined> {
    const { step, cart, language } = ctx.state;
    if (!isOpen(step, ctx.target)) {
      await ctx.reply(sentences[language].outdated);
      return undefined;
    }
    const { quote, delivery } = step;
    // Prices may have changed while the bot was away: nobody pays what they have not seen.
    if (!isDeepStrictEqual(quote, quoteOf(cart, catalogue))) {
      await ctx.reply(sentences[language].changed);
      await ask(ctx, delivery);
      return undefined;
    }
    return orders.place({ key, customer: ctx.from, language, at: ctx.event.at, quote, delivery });
  }
}

/** Of two: ids of direct conversations begin so (docs/PROTOCOL.md). */
function isDirect({ conversation }: Ctx): boolean {
  return conversation.startsWith("d.");
}

/** An earlier question, or one that was answered, is not open. */
function isOpen(step: Step, question: number): step is Extract<Step, { readonly is: "confirming" }> {
  return step.is === "confirming" && step.question === question;
}
