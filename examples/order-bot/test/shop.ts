/** A server, a folder of the bot, and one customer, in one process. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bot } from "@suda/bot";
import type { Content, ContentOf, ContentType, ConversationId, LogEvent, MessageCreated } from "@suda/protocol";
import { clientId, say, TestServer, userId, type WebSocketCommunicator } from "@suda/testing";
import type { Delivery } from "../delivery.ts";
import { fileStates } from "../file-states.ts";
import { fileOrders, type Order, type OrderBook } from "../order-book.ts";
import { createOrderBot, type OrderBotOptions, type OrderState } from "../order-bot.ts";

export const somewhere: Delivery = { name: "지민", phone: "010-1234-5678", postcode: "06236", address: "서울 강남구 테헤란로 1", detail: "101호" };

export class Shop implements AsyncDisposable {
  readonly suda: TestServer;
  readonly folder: string;
  readonly customer: WebSocketCommunicator;
  readonly id: ConversationId;
  readonly problems: unknown[] = [];
  #taps = 0;

  private constructor(parts: Pick<Shop, "suda" | "folder" | "customer" | "id">) {
    this.suda = parts.suda;
    this.folder = parts.folder;
    this.customer = parts.customer;
    this.id = parts.id;
  }

  static async open(): Promise<Shop> {
    const suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
    const customer = await suda.connect("bob");
    const folder = await mkdtemp(join(tmpdir(), "suda-order-"));
    await suda.backend().request("PUT", "/v1/bots/order", {});
    const { conversation } = await customer.request({ type: "conversation.open", with: userId("order") });
    return new Shop({ suda, folder, customer, id: conversation.id });
  }

  get orders(): OrderBook {
    return fileOrders(join(this.folder, "orders"));
  }

  /** One life of the bot; whatever it knows beyond it is in the folder. */
  async start(options: Partial<OrderBotOptions> = {}): Promise<Bot<OrderState>> {
    const bot = createOrderBot({
      ...this.suda.botLink("order"),
      states: fileStates(join(this.folder, "states")),
      orders: this.orders,
      onProblem: (problem) => void this.problems.push(problem),
      ...options,
    });
    await bot.start();
    return bot;
  }

  say(text: string): Promise<number> {
    return say(this.customer, this.id, text);
  }

  /** The bot's next message of a type that fits. */
  next<T extends ContentType>(type: T, fits: (content: ContentOf<T>) => boolean = () => true): Promise<MessageCreated & { content: ContentOf<T> }> {
    return nextOf(this.customer, type, fits);
  }

  /** The next message that shows the cart, and not the summary of an order. */
  nextCart(): Promise<MessageCreated & { content: ContentOf<"details"> }> {
    return this.next("details", ({ head }) => head === "Your cart" || head === "장바구니");
  }

  async nextText(): Promise<string> {
    return (await this.next("text")).content.text;
  }

  async tap(target: number, action: string, value?: object): Promise<{ readonly seq: number; readonly used?: true }> {
    return this.customer.request({
      type: "interaction.tap",
      conversation: this.id,
      target,
      action,
      clientId: clientId(`tap-${++this.#taps}`),
      ...valued(value),
    });
  }

  /** With the whole cart, as far as the question. */
  async askedFor(...skus: readonly string[]): Promise<number> {
    for (const sku of skus) await this.say(`/buy ${sku}`);
    for (const _sku of skus) await this.nextCart();
    await this.say("/cart");
    await this.tap((await this.nextCart()).seq, "checkout");
    await this.tap((await this.next("form")).seq, "submit", somewhere);
    return (await this.next("confirm")).seq;
  }

  async log(): Promise<readonly LogEvent[]> {
    return (await this.customer.request({ type: "history.get", conversation: this.id, after: 0, limit: 200 })).events;
  }

  async receipts(): Promise<readonly ContentOf<"receipt">[]> {
    const events = await this.log();
    return events.flatMap((event) => (event.type === "message.created" && event.content.type === "receipt" ? [event.content] : []));
  }

  async placed(): Promise<readonly Order[]> {
    return placedIn(this.folder);
  }

  /** The bot has worked off all that was said and tapped before: it answers in the order of the log. */
  async workedOff(): Promise<void> {
    await this.say("/buy nothing-of-the-kind");
    await this.next("text", ({ text }) => text.includes("nothing-of-the-kind"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.suda[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function nextOf<T extends ContentType>(customer: WebSocketCommunicator, type: T, fits: (content: ContentOf<T>) => boolean = () => true) {
  return customer.event("message.created", ({ from, content }) => from === "order" && content.type === type && fits(content as ContentOf<T>)) as Promise<
    MessageCreated & { content: ContentOf<T> }
  >;
}

export const valued = (value: object | undefined): { readonly value?: never } => (value === undefined ? {} : { value: value as never });

export async function placedIn(folder: string): Promise<readonly Order[]> {
  const orders = join(folder, "orders");
  const names = await readdir(orders).catch(() => []);
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(orders, name), "utf8")) as Order));
}

export function textsOf({ content }: { readonly content: Content | { readonly type: "deleted" } }): string {
  return JSON.stringify(content);
}
