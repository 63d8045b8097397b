/**
 * One conversation that has something to work off: from the bot's read mark to the head, in the order of seq, one event at a
 * time. Live events that follow on are taken as they came, everything else is read from the log, a page at a time.
 *
 * The mark moves after the event was handled, and one command at a time: while one is under way, the next ones are one.
 */
import { RequestRefused } from "@suda/client";
import type { Clock, Conversation, ConversationId, LogEvent, Timer, UserId } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import type { KnownControl, Outcome, Try } from "./event-processor.ts";
import type { Ask } from "./session.ts";

/** How far a conversation is worked off. */
export interface Cursor {
  readonly seq: number;
  readonly epoch: string;
  /** Who is in charge, as far as is known; absent when that never changed. */
  readonly control?: KnownControl;
}

/** An event that was given up. */
export interface DeadLetter {
  readonly event: LogEvent;
  readonly error: unknown;
  /** Tries that failed. */
  readonly attempts: number;
}

export interface WorkOptions {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly bot: () => UserId;
  readonly process: (one: Try) => Promise<Outcome>;
  readonly maxAttempts: number;
  /** No event is begun any more. */
  readonly stopping: AbortSignal;
  /** Everything is given up. */
  readonly closing: AbortSignal;
  /** Changes with every connection. */
  readonly connectionEpoch: () => number;
  readonly giveUp: (letter: DeadLetter) => Promise<void>;
  readonly onProblem: (problem: unknown) => void;
}

/** What a turn of work ended with. */
export type Turn =
  /** Up to the head. */
  | { readonly is: "idle"; readonly cursor: Cursor }
  /** More is there: others may have their turn first. */
  | { readonly is: "more" }
  | { readonly is: "later"; readonly delayMs: number }
  /** The bot is no member any more. */
  | { readonly is: "left" };

/** Live events kept while others are handled; more are read from the log when their turn has come. */
const maxLive = 16;
const pageSize = 50;
/** Events of one turn: a busy conversation must not keep a place for ever. */
const eventsPerTurn = 50;
const retryMs = 1_000;
const maxRetryMs = 60_000;

export class ConversationWork {
  readonly id: ConversationId;
  /** Waiting to be tried again; cancelled when it is woken before. */
  parked: Timer | undefined;
  readonly #options: WorkOptions;
  #cursor: Cursor | undefined;
  #control: KnownControl | undefined;
  /** Events after the cursor without a hole: `#live` follows on `#page`. */
  #page: LogEvent[] = [];
  #live: LogEvent[] = [];
  /** The log may have more than what is here. */
  #isBehind: boolean;
  /** Failed tries of the event after the cursor. */
  #attempts = 0;
  #marked = 0;
  #marking: Promise<void> | undefined;

  /** @param cursor `undefined` when it is not known, and is asked for */
  constructor(id: ConversationId, cursor: Cursor | undefined, options: WorkOptions) {
    this.id = id;
    this.#cursor = cursor;
    this.#control = cursor?.control;
    this.#marked = cursor?.seq ?? 0;
    this.#options = options;
    this.#isBehind = cursor === undefined;
  }

  /** A live event: kept if it follows on, read from the log later if not. */
  offer(event: LogEvent): void {
    this.#noteControl(event);
    const last = this.#live.at(-1)?.seq ?? this.#page.at(-1)?.seq ?? this.#cursor?.seq;
    if (last !== undefined && event.seq <= last) return;
    if (last !== undefined && event.seq === last + 1 && !this.#isBehind && this.#live.length < maxLive) this.#live.push(event);
    else this.#isBehind = true;
  }

  /** Whether there is something to work off, or to look for. */
  get hasMore(): boolean {
    return this.#live.length > 0 || this.#page.length > 0 || this.#isBehind;
  }

  /** The log has more than what came live. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** The conversation as the server shows it. Another epoch is another log: what is kept of the old one counts no more. */
  see({ epoch, control }: Conversation): void {
    this.#isBehind = true;
    this.#control = laterOf(this.#control, control);
    if (this.#cursor === undefined || this.#cursor.epoch === epoch) return;
    this.#cursor = undefined;
    this.#page = [];
    this.#live = [];
    this.#attempts = 0;
  }

  /** Works until there is nothing more, the turn is over, or something must be waited for. Rejects when the bot ends. */
  async run(): Promise<Turn> {
    try {
      for (let count = 0; count < eventsPerTurn; count++) {
        if (this.#options.stopping.aborted) {
          await this.#marking;
          return { is: "more" };
        }
        const cursor = (this.#cursor ??= await this.#askCursor());
        const event = this.#page[0] ?? this.#live[0] ?? (this.#isBehind ? await this.#readPage(cursor) : undefined);
        if (event === undefined) {
          if (this.#isBehind) continue;
          await this.#marking;
          // Something may have come while the mark was told.
          if (this.hasMore) continue;
          return this.#cursor === undefined
            ? { is: "more" }
            : { is: "idle", cursor: { ...this.#cursor, ...(this.#control === undefined ? {} : { control: this.#control }) } };
        }
        const delayMs = await this.#handle(event, cursor);
        if (delayMs !== undefined) return { is: "later", delayMs };
      }
      return { is: "more" };
    } catch (error) {
      if (error instanceof RequestRefused && error.code === "conversation.not_found") return { is: "left" };
      if (error instanceof RequestRefused && error.retryable) return { is: "later", delayMs: error.retryAfterMs ?? retryMs };
      throw error;
    }
  }

  /** @returns in how many ms it is to be tried again */
  async #handle(event: LogEvent, cursor: Cursor): Promise<number | undefined> {
    const { process, ask, bot, closing, maxAttempts, connectionEpoch, giveUp } = this.#options;
    const connection = connectionEpoch();
    const isCutOff = (): boolean => connectionEpoch() !== connection;
    const outcome = await process({ event, bot: bot(), epoch: cursor.epoch, attempt: this.#attempts + 1, ask, closing, isCutOff, control: this.#control });
    switch (outcome.is) {
      case "done":
        this.#advance(event.seq, outcome.sent);
        return undefined;
      case "later":
        return outcome.delayMs;
      case "failed":
        this.#attempts++;
        if (!outcome.isForGood && this.#attempts < maxAttempts) return Math.min(retryMs * 5 ** (this.#attempts - 1), maxRetryMs);
        await giveUp({ event, error: outcome.error, attempts: this.#attempts });
        this.#advance(event.seq, []);
        return undefined;
    }
  }

  /** Over the event, and over what was said to it if it follows at once. */
  #advance(seq: number, sent: readonly number[]): void {
    // The log was replaced meanwhile, and this seq is of the old one.
    if (this.#cursor === undefined) return;
    const own = new Set(sent);
    let upTo = seq;
    while (own.has(upTo + 1)) upTo++;
    this.#cursor = { seq: upTo, epoch: this.#cursor.epoch };
    this.#attempts = 0;
    this.#page = this.#page.filter((event) => event.seq > upTo);
    this.#live = this.#live.filter((event) => event.seq > upTo);
    // Not for nothing: it would have ended before it was kept, and be kept for ever.
    if (upTo > this.#marked) this.#marking ??= this.#mark();
  }

  async #mark(): Promise<void> {
    const { ask, closing, onProblem } = this.#options;
    try {
      for (let seq = this.#cursor?.seq ?? 0; seq > this.#marked; seq = this.#cursor?.seq ?? 0) {
        await ask("receipt.read", { conversation: this.id, seq }, { signal: closing, patienceMs: Number.POSITIVE_INFINITY });
        this.#marked = seq;
      }
    } catch (error) {
      // What is not marked is worked off again, by clientIds that are known already. Who left has no mark.
      if (!closing.aborted && !(error instanceof RequestRefused && error.code === "conversation.not_found")) onProblem(error);
    } finally {
      this.#marking = undefined;
    }
  }

  #noteControl(event: LogEvent): void {
    if (event.type === "control.changed") this.#control = laterOf(this.#control, event);
  }

  async #askCursor(): Promise<Cursor> {
    const { ask, closing } = this.#options;
    const { conversation } = await ask("conversation.get", { conversation: this.id }, { signal: closing });
    const cursor = cursorOf(conversation);
    this.#control = laterOf(this.#control, conversation.control);
    this.#marked = cursor.seq;
    return cursor;
  }

  /** The next page of the log. @returns its first event; none when the log has nothing more */
  async #readPage(cursor: Cursor): Promise<LogEvent | undefined> {
    const { ask, closing, onProblem } = this.#options;
    this.#isBehind = false;
    this.#live = [];
    let page;
    try {
      page = await ask("history.get", { conversation: this.id, after: cursor.seq, limit: pageSize }, { signal: closing });
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
    const { events, from = 1, more } = page;
    for (const event of events) this.#noteControl(event);
    // What came live meanwhile began after an unknown place.
    if (more) this.#isBehind = true;
    const first = events[0]?.seq ?? from;
    if (first > cursor.seq + 1) {
      onProblem(new BotError("bot.truncated", { conversation: this.id, seq: first }));
      this.#cursor = { ...cursor, seq: first - 1 };
    }
    const last = events.at(-1)?.seq ?? cursor.seq;
    this.#page = [...events];
    this.#live = this.#live.filter((event) => event.seq > last);
    if (this.#live.length > 0 && this.#live[0]?.seq !== last + 1) {
      this.#live = [];
      this.#isBehind = true;
    }
    return events[0];
  }
}

/** What a member has read is where the bot goes on. */
export function cursorOf({ read = 0, epoch, control }: Conversation): Cursor {
  return { seq: read, epoch, ...(control === undefined ? {} : { control: knownOf(control) }) };
}

function laterOf(known: KnownControl | undefined, told: KnownControl | undefined): KnownControl | undefined {
  return told === undefined || (known !== undefined && known.epoch >= told.epoch) ? known : knownOf(told);
}

/** Without what it was part of, which may be a whole event. */
function knownOf({ holder, epoch, seq }: KnownControl): KnownControl {
  return { holder, epoch, seq };
}
