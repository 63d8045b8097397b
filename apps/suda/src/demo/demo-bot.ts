/**
 * The bot of `suda dev`, written with `@suda/bot` as anybody's would be: it is on the server by a WebSocket and knows nothing of
 * it. Shows every type of message and everything that can be done with one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  createBot,
  type ActionContext,
  type Bot,
  type BotOptions,
  type CommandContext,
  type Context,
  type FormContext,
  type Photo,
  type Sayable,
} from "@suda/bot";
import type { ConversationId, MessageBody } from "@suda/protocol";
import { demoCard, demoCardAlt } from "./demo-card.ts";
import { demoForm } from "./demo-form.ts";
import { demoCarousel, demoReceipt, findGood, orderForm } from "./demo-order.ts";
import { languageOf, type Language } from "./language.ts";
import { demoCommands, sentences, type DemoCommand } from "./sentences.ts";
import { showcase } from "./showcase.ts";

export interface DemoState {
  language: Language;
  /** The form that is filled in now, and for what. */
  order?: { readonly form: number; readonly sku: string };
}

export interface DemoBotOptions extends Pick<BotOptions<DemoState>, "url" | "token" | "tokenProvider" | "transport" | "fetch" | "clock" | "onProblem"> {
  /** Between the words of `/stream`. Default 60. */
  readonly wordPauseMs?: number;
  /** Puts the bot in charge again after `/human`. A bot cannot: the product's backend does, with its API key. */
  readonly giveBack: (conversation: ConversationId) => Promise<void>;
}

type DemoBot = Bot<DemoState>;
type Tap = ActionContext<DemoState>;

/** A send has five messages at most. */
const messagesPerSend = 5;
const toastMaxLength = 200;

export function createDemoBot({ wordPauseMs = 60, giveBack, ...options }: DemoBotOptions): DemoBot {
  const bot = createBot<DemoState>({ ...options, name: "수다봇", initialState: () => ({ language: "en" }) });
  const command = (name: DemoCommand, handler: (ctx: CommandContext<DemoState>, language: Language) => unknown): void => {
    for (const language of ["en", "ko"] as const) {
      const [word, description] = demoCommands[name][language];
      bot.command(word, description, (ctx) => {
        ctx.state.language = language;
        return handler(ctx, language);
      });
    }
  };
  command("human", async (ctx, language) => {
    await ctx.reply(sentences[language].handover);
    await ctx.handoff("demo");
  });
  command("bot", (ctx, language) => ctx.reply(sentences[language].back));
  // While a human is in charge commands come to nobody, and events by their type still do.
  bot.on("message.created", async (ctx) => {
    const { content } = ctx.event;
    const word = content.type === "text" ? content.text.trim() : "";
    if (word !== `/${demoCommands.bot.en[0]}` && word !== `/${demoCommands.bot.ko[0]}`) return;
    ctx.state.language = languageOf(word);
    await giveBack(ctx.conversation);
  });
  bot.on("control.changed", (ctx) => (ctx.event.holder === "bot" ? ctx.reply(sentences[ctx.state.language].back) : undefined));
  command("help", (ctx, language) => ctx.reply(sentences[language].help));
  command("templates", async (ctx, language) => {
    const messages = Object.values(showcase(language, ctx.event.at));
    for (let at = 0; at < messages.length; at += messagesPerSend) await reply(ctx, messages.slice(at, at + messagesPerSend));
  });
  command("card", (ctx, language) => ctx.reply({ content: demoCard(language, { likes: 0 }), altText: demoCardAlt(language) }));
  command("order", (ctx, language) => ctx.reply(demoCarousel(language)));
  command("form", (ctx, language) => ctx.reply(demoForm(language)));
  command("stream", (ctx, language) => {
    ctx.thinking();
    return ctx.stream(wordsOf(sentences[language].growing, { pauseMs: wordPauseMs, signal: ctx.signal }), { quickReplies: commandReplies(language) });
  });
  bot.photo((ctx) => {
    if (ctx.text !== "") ctx.state.language = languageOf(ctx.text);
    const { language } = ctx.state;
    return ctx.reply({ content: { type: "text", text: sentences[language].photo(describe(ctx.photo)) }, replyTo: ctx.event.seq });
  });
  bot.on("message", (ctx) => {
    if (ctx.text === "") return;
    ctx.state.language = languageOf(ctx.text);
    // Nobody calls a bot by a slash by accident; an unknown one gets the help too.
    return ctx.reply(ctx.text.startsWith("/") ? sentences[ctx.state.language].help : ctx.text);
  });
  bot.action("like", async (ctx) => {
    const language = languageOfTap(ctx);
    const likes = likesOf(ctx) + 1;
    const { seatOf } = dataOf(ctx.data);
    await ctx.replace(demoCard(language, { likes, ...(typeof seatOf === "string" ? { seatOf } : {}) }));
    await ctx.toast(sentences[language].liked(likes));
  });
  bot.action("reserve", async (ctx) => {
    const language = languageOfTap(ctx);
    await ctx.replace(demoCard(language, { likes: likesOf(ctx), seatOf: ctx.from }));
    await ctx.toast(sentences[language].reserved);
  });
  bot.action("buy", async (ctx) => {
    const good = findGood(dataOf(ctx.data)["sku"]);
    if (good === undefined) return;
    ctx.state.language = languageOfTap(ctx);
    const { seq } = await ctx.reply(orderForm(ctx.state.language, good));
    ctx.state.order = { form: seq, sku: good.sku };
  });
  bot.form(onForm);
  // The other buttons. What a client does by itself, and what is said in the user's name, needs no answer.
  bot.action(/./, async (ctx) => {
    const { kind, action, value, data } = ctx.event;
    if (kind !== "postback" && kind !== "datetime" && kind !== "request") return;
    const given = JSON.stringify(value ?? data ?? "").replace(/^""$/, "");
    await ctx.toast(shortened(sentences[languageOfTap(ctx)].tapped(action, given)));
  });
  return bot;
}

function likesOf({ data }: Tap): number {
  const { likes } = dataOf(data);
  return typeof likes === "number" ? likes : 0;
}

function dataOf(data: Tap["data"]): Readonly<Record<string, unknown>> {
  return typeof data === "object" ? data : {};
}

/** The language of what was tapped, else that of what was said last. */
function languageOfTap({ data, state }: Pick<Tap, "data" | "state">): Language {
  const { language } = dataOf(data);
  return language === "ko" || language === "en" ? language : state.language;
}

async function onForm(ctx: FormContext<DemoState>): Promise<void> {
  const { event, state, values: value } = ctx;
  const { language } = state;
  const say = sentences[language];
  if (state.order?.form === ctx.target) {
    const { sku } = state.order;
    delete state.order;
    const order = { sku, quantity: Number(value["quantity"]), name: textOf(value["name"], language), address: textOf(value["address"], language) };
    await ctx.toast(say.ordered);
    await ctx.reply(demoReceipt(language, { ...order, orderNumber: `S-${event.seq}`, at: event.at }));
    return;
  }
  if (!("agree" in value)) {
    await ctx.reply(say.orderAgain);
    return;
  }
  const rows = Object.entries(value).map(([label, given]) => ({ label, value: textOf(given, language).slice(0, 120) }));
  await ctx.reply({
    content: { type: "details", head: say.filledIn, rows: rows.filter((row) => row.value !== "") },
    altText: `${say.filledIn}: ${rows.map((row) => `${row.label} ${row.value}`).join(", ")}`.slice(0, 400),
  });
}

function textOf(value: unknown, language: Language): string {
  if (typeof value === "boolean") return value ? sentences[language].yes : sentences[language].no;
  if (Array.isArray(value)) return value.map((one) => textOf(one, language)).join(", ");
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function shortened(text: string): string {
  return Array.from(text).slice(0, toastMaxLength).join("");
}

async function reply(ctx: Context<DemoState>, [first, ...others]: readonly MessageBody[]): Promise<void> {
  if (first !== undefined) await ctx.reply(first, ...(others satisfies Sayable[]));
}

function commandReplies(language: Language): NonNullable<MessageBody["quickReplies"]> {
  return (["templates", "card", "order"] as const).map((name) => {
    const [word] = demoCommands[name][language];
    return { action: { type: "message", id: name, label: `/${word}`, text: `/${word}` } };
  });
}

/** As a model would give it. */
async function* wordsOf(text: string, { pauseMs, signal }: { readonly pauseMs: number; readonly signal: AbortSignal }): AsyncGenerator<string> {
  for (const word of text.split(/(?<= )/)) {
    yield word;
    await sleep(pauseMs, undefined, { signal });
  }
}

function describe(photo: Photo): string {
  if (photo.kind === "url") return photo.url;
  const size = pngSize(photo.bytes);
  return `${photo.mime}, ${photo.bytes.length} bytes${size === undefined ? "" : `, ${size}`}`;
}

/** Of the header chunk that every PNG begins with (PNG 11.2.1): width and height at 16 and 20. */
function pngSize(bytes: Uint8Array): string | undefined {
  if (bytes.length < 24 || Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== "\u0089PNG\r\n\u001a\n") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `${view.getUint32(16)} × ${view.getUint32(20)}`;
}
