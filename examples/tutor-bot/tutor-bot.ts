/**
 * A tutor: a photo of a problem comes in, an answer grows, a card shows the first step, and two quick replies ask for more hints
 * or for a teacher. All that takes its time is done in threads, so that other students do not wait.
 */
import { createBot, type Bot, type BotOptions, type Context } from "@suda/bot";
import type { Content, MessageBody } from "@suda/protocol";
import type { Solution, SolveInput } from "./solve.ts";

export interface TutorState {
  /** The problem under way, and how many of its steps were shown. */
  problem?: { readonly solution: Extract<Solution, { readonly isSolved: true }>; readonly shown: number };
}

export interface TutorOptions extends BotOptions<TutorState> {
  /** Loads a photo that came by its URL. Without it such a photo needs a caption: a bot does not fetch whatever URL it is given. */
  readonly loadPhoto?: (url: string, signal: AbortSignal) => Promise<Uint8Array>;
}

type Ctx = Context<TutorState>;

const solver = new URL("./solve.ts", import.meta.url);
const photoReader = new URL("./read-photo.ts", import.meta.url);
const queue = "math";

export function createTutorBot({ loadPhoto, ...options }: TutorOptions): Bot<TutorState> {
  const bot = createBot<TutorState>({ name: "Math tutor", ...options });

  bot.photo(async (ctx) => {
    ctx.thinking();
    await answer(ctx, await problemIn(ctx.event.content as Content));
    async function problemIn(content: Content): Promise<string | undefined> {
      const words = ctx.text !== "" ? ctx.text : content.type === "image" ? content.alt : undefined;
      if (words !== undefined && words !== "") return words;
      const bytes = ctx.photo.kind === "bytes" ? ctx.photo.bytes : await loadPhoto?.(ctx.photo.url, ctx.signal);
      return bytes === undefined ? undefined : ctx.offload<string | undefined>(photoReader, bytes);
    }
  });

  bot.on("message", (ctx) => (ctx.text === "" ? undefined : answer(ctx, ctx.text)));

  // "Ask a teacher" hands over by itself: from then on the bot is silent.
  bot.action("hint", async (ctx) => {
    if (ctx.state.problem === undefined) return;
    const { solution, shown } = ctx.state.problem;
    ctx.state.problem = { solution, shown: shown + 1 };
    await ctx.reply(card(ctx.state.problem));
  });

  bot.on("control.changed", (ctx) => (ctx.event.holder === "bot" ? ctx.reply("I am here again. Send me the next problem.") : undefined));
  return bot;
}

async function answer(ctx: Ctx, text: string | undefined): Promise<void> {
  if (text === undefined) {
    await ctx.reply("I cannot read this photo: this example has no OCR. Please write the problem as its caption, such as x² + x = 6.");
    return;
  }
  const solution = await ctx.offload<Solution>(solver, { text, language: "en" } satisfies SolveInput, { timeoutMs: 10_000 });
  if (!solution.isSolved) {
    await ctx.reply(`I cannot solve “${text.slice(0, 200)}”: ${solution.why}.`);
    return;
  }
  ctx.state.problem = { solution, shown: 1 };
  await ctx.stream(words(`Let us look at ${solution.problem}. It is ${solution.kind}. Try the first step yourself before you ask for more.`));
  await ctx.reply(card(ctx.state.problem));
}

/** The steps so far; after the last of them the answer. */
function card({ solution, shown }: NonNullable<TutorState["problem"]>): MessageBody {
  const steps = solution.steps.slice(0, shown).map((step, index) => `${index + 1}. ${step}`);
  const isDone = shown > solution.steps.length;
  const text = [...steps, ...(isDone ? [solution.answer] : [])].join("\n").slice(0, 640);
  const hint = { action: { type: "postback", id: "hint", label: "More hints", displayText: "More hints, please" } } as const;
  const teacher = { action: { type: "handoff", id: "teacher", label: "Ask a teacher", queue } } as const;
  return {
    content: { type: "card", title: solution.problem.slice(0, 80), text },
    altText: text.slice(0, 400),
    quickReplies: isDone ? [teacher] : [hint, teacher],
  };
}

/** In place of a language model, which gives its words one by one too. */
function words(text: string): string[] {
  return text.split(/(?<= )/);
}
