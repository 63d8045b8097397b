/**
 * An answer that grows on the members' screens. The draft is best effort: it is told a few times a second, begun again when the
 * server forgot it, and given up when the server will not have it. What counts is the message at its end, which is said like any
 * other answer, once and whole, whatever became of the draft.
 */
import { RequestRefused } from "@suda/client";
import { limits, type ClientId, type Clock, type ConversationId, type ErrorCode } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import type { Draft, Sayable, Sent } from "./context.ts";
import { pause } from "./pause.ts";
import type { Ask } from "./session.ts";

export interface AnswerDraftOptions {
  readonly conversation: ConversationId;
  /** The seq that is answered. */
  readonly seq: number;
  readonly stream: ClientId;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Says the message, in the order of what the handler says. */
  readonly say: (message: Sayable, before: () => Promise<void>) => Promise<Sent>;
}

/** Between two appends: more often than people read, and few enough for a bot's limit. */
const appendEveryMs = 250;
/** How often a draft is begun again. */
const maxStarts = 5;
/** Begin again: it is not under way, or another try's text is. */
const anew: ReadonlySet<ErrorCode> = new Set(["stream.not_found", "stream.conflict", "stream.gap"]);

export class AnswerDraft implements Draft {
  readonly #options: AnswerDraftOptions;
  #text = "";
  #codePoints = 0;
  /** Of the text, UTF-16 units and code points that the server has. */
  #told = { units: 0, codePoints: 0 };
  #starts = 0;
  #isStarted = false;
  readonly #ended = new AbortController();
  #telling: Promise<void> | undefined;

  constructor(options: AnswerDraftOptions) {
    this.#options = options;
  }

  get text(): string {
    return this.#text;
  }

  append(text: string): void {
    if (this.#isOver) throw new BotError("bot.draft_over", this.#place);
    let added = 0;
    for (const _ of text) added++;
    if (this.#codePoints + added > limits.textMaxLength) throw new BotError("bot.draft_full", this.#place);
    this.#text += text;
    this.#codePoints += added;
    this.#telling ??= this.#tell();
  }

  finish(message?: Sayable): Promise<Sent> {
    if (this.#isOver) return Promise.reject(new BotError("bot.draft_over", this.#place));
    this.#ended.abort();
    return this.#options.say(message ?? this.#text, async () => this.#telling);
  }

  async abort(reason?: string): Promise<void> {
    if (this.#isOver) return;
    this.#ended.abort();
    await this.#telling;
    if (this.#isStarted) await this.#drop(reason);
  }

  get #isOver(): boolean {
    return this.#ended.signal.aborted;
  }

  get #place(): { readonly conversation: ConversationId; readonly seq: number } {
    const { conversation, seq } = this.#options;
    return { conversation, seq };
  }

  /** Until everything is told or the draft is over. Never rejects. */
  async #tell(): Promise<void> {
    const { clock } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#ended.signal]);
    try {
      while (!this.#isOver && this.#ready.length > 0 && this.#starts <= maxStarts) {
        await this.#tellOnce();
        await pause(clock, appendEveryMs, signal);
      }
    } catch {
      // It is over; or the server will not have it, and the message will say why.
      this.#starts = Number.POSITIVE_INFINITY;
    } finally {
      this.#telling = undefined;
    }
  }

  async #tellOnce(): Promise<void> {
    const { conversation, seq, stream, ask, signal } = this.#options;
    try {
      if (!this.#isStarted) {
        this.#starts++;
        await ask("stream.start", { conversation, stream, replyTo: seq }, { signal });
        this.#isStarted = true;
      }
      const text = this.#ready;
      let codePoints = 0;
      for (const _ of text) codePoints++;
      await ask("stream.append", { conversation, stream, offset: this.#told.codePoints, text }, { signal });
      this.#told = { units: this.#told.units + text.length, codePoints: this.#told.codePoints + codePoints };
    } catch (error) {
      if (!(error instanceof RequestRefused) || !anew.has(error.code)) throw error;
      // A stream of an earlier try must go before its id can be used.
      if (error.code !== "stream.not_found") await this.#drop("Begun again.");
      this.#isStarted = false;
      this.#told = { units: 0, codePoints: 0 };
    }
  }

  /** What is not told yet, without a half of a surrogate pair at its end. */
  get #ready(): string {
    const rest = this.#text.slice(this.#told.units);
    return /[\uD800-\uDBFF]$/.test(rest) ? rest.slice(0, -1) : rest;
  }

  async #drop(reason?: string): Promise<void> {
    const { conversation, stream, ask, signal } = this.#options;
    await ask("stream.abort", { conversation, stream, ...(reason === undefined ? {} : { reason: reason.slice(0, 200) }) }, { signal });
  }
}
