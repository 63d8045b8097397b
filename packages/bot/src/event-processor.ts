/**
 * One try at one event: state, middleware, handlers, time-out; and what its failure means. Tries of one conversation come
 * one after the other, so nothing here is ever at the same time for one conversation.
 *
 * The order at the end of a try is what makes it at least once without doubles: first everything that was said is in the log,
 * then the state is kept together with the event's seq, then (by the caller) the read mark moves.
 */
import { ClientClosed, RequestRefused } from "@suda/client";
import { stringifyFrame, type Clock, type ErrorCode, type LogEvent, type UserId } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import type { Middleware } from "./context.ts";
import { HandlerContext, type Offload } from "./handler-context.ts";
import type { Handlers } from "./handlers.ts";
import type { Ask } from "./session.ts";
import type { StateStore, StoredState } from "./state-store.ts";

export interface EventProcessorOptions<State> {
  readonly handlers: Handlers<State>;
  readonly states: StateStore;
  readonly initialState: () => State;
  readonly maxStateBytes: number;
  readonly timeoutMs: number;
  readonly offload: Offload;
  readonly clock: Clock;
  readonly onProblem: (problem: unknown) => void;
}

/** Who is in charge, since which seq; `epoch` counts the changes. */
export interface KnownControl {
  readonly holder: "bot" | "human" | "none";
  readonly epoch: number;
  readonly seq: number;
}

/** One try. */
export interface Try {
  readonly event: LogEvent;
  readonly bot: UserId;
  /** Of the conversation's log. */
  readonly epoch: string;
  /** 1… */
  readonly attempt: number;
  readonly ask: Ask;
  /** The bot is being disposed of. */
  readonly closing: AbortSignal;
  /** Whether the connection broke since the try began: then it is not the handler's fault that its time is over. */
  readonly isCutOff: () => boolean;
  /** As it is known when the try begins; `undefined` when it never changed. */
  readonly control: KnownControl | undefined;
  /** Only this event may come again, and not those before it too: whoever asks has a cursor that moves with each. Default false. */
  readonly isAlone?: boolean;
  /** What is kept with the state, to be given again. */
  readonly answer?: () => unknown;
}

export type Outcome =
  /** Handled, or there was nothing to do. `sent` are seqs of what was said. */
  | { readonly is: "done"; readonly sent: readonly number[]; readonly answer?: unknown }
  /** Nothing is wrong with the event: it waits, and is not counted. */
  | { readonly is: "later"; readonly delayMs: number }
  | { readonly is: "failed"; readonly error: unknown; readonly isForGood: boolean };

/** Nobody is to hear the bot here; another try would end the same way, and it is no failure. */
const unanswerable: ReadonlySet<ErrorCode> = new Set(["conversation.not_found", "conversation.read_only", "user.blocked", "control.lost"]);
/** After a refusal that may pass and names no time. */
const laterMs = 1_000;
const nothing = { is: "done", sent: [] } as const;
const encoder = new TextEncoder();

/** What was said before the bot was (again) in charge is a human's to answer. */
function isInCharge(control: KnownControl | undefined, { seq }: LogEvent): boolean {
  return control === undefined || (control.holder === "bot" && seq > control.seq);
}

export class EventProcessor<State> {
  readonly #options: EventProcessorOptions<State>;

  constructor(options: EventProcessorOptions<State>) {
    this.#options = options;
  }

  /** Never rejects. */
  async process(one: Try): Promise<Outcome> {
    const { handlers, states } = this.#options;
    const { event, bot, epoch, control } = one;
    const { chain, details } = handlers.match(event, bot, isInCharge(control, event));
    if (chain.length === 0) return nothing;
    try {
      const stored = await states.get(event.conversation);
      // Handled to the end, and the process ended before the mark moved.
      if (stored?.epoch === epoch && (one.isAlone === true ? stored.seq === event.seq : stored.seq >= event.seq)) return { ...nothing, answer: stored.answer };
      return await this.#run(one, stored, (state, signal) => {
        const { attempt, ask } = one;
        const { offload, clock } = this.#options;
        return { context: new HandlerContext({ event, bot, control: control?.epoch ?? 0, attempt, state, details, signal, ask, offload, clock }), chain };
      });
    } catch (error) {
      return this.#judge(one, error);
    }
  }

  async #run(
    { event, epoch, closing, answer }: Try,
    stored: StoredState | undefined,
    begin: (state: State, signal: AbortSignal) => { readonly context: HandlerContext<State>; readonly chain: readonly Middleware<State>[] },
  ): Promise<Outcome> {
    const { clock, timeoutMs, states, initialState } = this.#options;
    const before = JSON.stringify(stored === undefined ? initialState() : stored.value);
    const ended = new AbortController();
    const { context, chain } = begin(JSON.parse(before) as State, ended.signal);
    const isGiven = new Promise<never>((_resolve, reject) => {
      ended.signal.addEventListener("abort", () => reject(ended.signal.reason as Error), { once: true });
    });
    const close = (): void => ended.abort(closing.reason);
    closing.addEventListener("abort", close, { once: true });
    const timer = clock.schedule(timeoutMs, () => ended.abort(new BotError("bot.timeout", { conversation: event.conversation, seq: event.seq })));
    try {
      closing.throwIfAborted();
      await Promise.race([this.#carryOut(context, chain), isGiven]);
      const value = this.#checkState(context);
      const given = answer?.();
      if (value !== before) {
        const kept = given === undefined ? {} : { answer: JSON.parse(stringifyFrame(given)) as unknown };
        await states.set(event.conversation, { epoch, seq: event.seq, value: JSON.parse(value), ...kept });
      }
      return { is: "done", sent: context.sent, answer: given };
    } finally {
      context.end();
      timer.cancel();
      closing.removeEventListener("abort", close);
    }
  }

  async #carryOut(context: HandlerContext<State>, chain: readonly Middleware<State>[]): Promise<void> {
    const from = async (index: number): Promise<void> => {
      let isHandedOn = false;
      await chain[index]?.(context, () => {
        if (isHandedOn) throw new Error("next() was called twice by one handler.");
        isHandedOn = true;
        return from(index + 1);
      });
    };
    try {
      await from(0);
    } finally {
      // Also after a failure: what it left under way must not reach into the next try.
      await context.settle();
    }
  }

  #checkState({ state, conversation, event }: HandlerContext<State>): string {
    // A state that was taken away is null.
    const value = JSON.stringify(state ?? null);
    if (encoder.encode(value).byteLength > this.#options.maxStateBytes) throw new BotError("bot.state_too_large", { conversation, seq: event.seq });
    return value;
  }

  #judge({ event, closing, isCutOff }: Try, error: unknown): Outcome {
    if (closing.aborted || error instanceof ClientClosed) return { is: "later", delayMs: laterMs };
    if (error instanceof BotError && error.code === "bot.timeout" && isCutOff()) return { is: "later", delayMs: laterMs };
    if (!(error instanceof RequestRefused)) return { is: "failed", error, isForGood: error instanceof BotError && error.code === "bot.state_too_large" };
    if (error.retryable) return { is: "later", delayMs: error.retryAfterMs ?? laterMs };
    if (!unanswerable.has(error.code)) return { is: "failed", error, isForGood: true };
    this.#options.onProblem(new BotError("bot.refused", { conversation: event.conversation, seq: event.seq, cause: error }));
    return nothing;
  }
}
