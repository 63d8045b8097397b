/**
 * How much of a log is held for whoever looks at it: the newest page first, older ones on demand, and a bound.
 * Works on the same {@link EventLog} as the catching up, which owns its other end.
 */
import type { Clock, LogEvent, ReplyOf, Timer } from "@suda/protocol";
import { isGone, RequestRefused, retryDelayOf } from "../errors.ts";
import type { EventLog } from "./event-log.ts";

export interface HistoryWindowOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly read: (fields: { readonly before?: number; readonly limit: number }) => Promise<ReplyOf<"history.get">>;
  /** Before the newest page is read: the log's `have` must mean something. */
  readonly prepare: () => Promise<unknown>;
  /** Takes an event of the newest page that is beyond `have`. */
  readonly receive: (event: LogEvent) => void;
  readonly onChange: (added: readonly LogEvent[]) => void;
  readonly onRefused: (error: RequestRefused) => void;
  readonly onProblem: (problem: unknown) => void;
}

const pageSize = 50;
/** Events held while new ones arrive; who has scrolled back keeps what was loaded. */
const comfortable = 1_000;
const maximum = 10_000;

export class HistoryWindow {
  readonly #options: HistoryWindowOptions;
  /** Seq below which the log has nothing. */
  #floor = 1;
  #isLoaded = false;
  #limit = comfortable;
  /** A loading whose object is not this one any more has nothing to say. */
  #loading: object | undefined;
  #older: Promise<boolean> | undefined;
  #epoch = {};
  #retry: Timer | undefined;
  readonly #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  constructor(options: HistoryWindowOptions) {
    this.#options = options;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  get hasOlder(): boolean {
    return this.#isLoaded && this.#options.log.first > this.#floor;
  }

  /** Resolves when the newest page is there; rejects when it never will be. */
  async loaded(): Promise<void> {
    if (this.#isLoaded) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.load();
    });
  }

  /** Loads the newest page if that was not done, and there is a connection. */
  load(): void {
    if (this.#isLoaded || this.#loading !== undefined || !this.#options.isOpen()) return;
    const loading = {};
    this.#loading = loading;
    this.#load(loading).catch((error: unknown) => {
      if (loading !== this.#loading) return;
      this.#loading = undefined;
      // The next connection loads it.
      if (isGone(error)) return;
      const delayMs = retryDelayOf(error);
      if (delayMs !== undefined) {
        this.#retry = this.#options.clock.schedule(delayMs, () => this.load());
        return;
      }
      if (error instanceof RequestRefused) this.#options.onRefused(error);
      else this.#options.onProblem(error);
      if (error instanceof Error) this.fail(error);
    });
  }

  /** @throws ConnectionLost, RequestRefused */
  loadOlder(): Promise<boolean> {
    this.#older ??= this.#loadOlder().finally(() => (this.#older = undefined));
    return this.#older;
  }

  /** Drops the oldest beyond the bound. */
  trim(): void {
    // In steps, so that not every event copies the array.
    if (this.#options.log.events.length > this.#limit * 1.25) this.#options.log.trim(this.#limit);
  }

  /** The log begins at `from`. */
  begin(from: number): void {
    this.#floor = from;
  }

  /** The connection is gone: what was asked will not be answered. */
  stop(): void {
    this.#loading = undefined;
    this.#retry?.cancel();
  }

  /** What was held is not any more. */
  forget(): void {
    this.stop();
    this.#epoch = {};
    this.#isLoaded = false;
    this.#floor = 1;
    this.#limit = comfortable;
  }

  /** Whoever waits for the newest page waits no longer. */
  fail(error: Error): void {
    this.stop();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  async #load(loading: object): Promise<void> {
    const { log, read, prepare, receive, onChange } = this.#options;
    await prepare();
    if (loading !== this.#loading) return;
    const { events, more } = await read({ limit: pageSize });
    if (loading !== this.#loading) return;
    this.#loading = undefined;
    const added = log.prepend(events.filter(({ seq }) => seq <= log.have));
    for (const event of events) receive(event);
    if (!more) this.#floor = events[0]?.seq ?? this.#floor;
    this.#isLoaded = true;
    onChange(added);
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  async #loadOlder(): Promise<boolean> {
    const { log, read, onChange } = this.#options;
    await this.loaded();
    if (!this.hasOlder || log.events.length >= maximum) return false;
    const epoch = this.#epoch;
    const { events, more } = await read({ before: log.first, limit: pageSize });
    if (epoch !== this.#epoch) return false;
    const added = log.prepend(events);
    if (!more && (added.length > 0 || events.length === 0)) this.#floor = log.first;
    this.#limit = Math.max(this.#limit, log.events.length);
    onChange(added);
    return added.length > 0;
  }
}
