/**
 * Keeps an {@link EventLog} without holes: an event that comes too early is held back, what is missing before
 * it is read as history, and then both are applied in order (D5). The same for `lag` and for a resume that did
 * not fit into one page.
 *
 * Promises: `onApplied` is called once for each event, in the order of seq, without a hole but for those that
 * `onTruncated` names.
 */
import type { Clock, LogEvent, ReplyOf, Timer } from "@suda/protocol";
import { isGone, RequestRefused, retryDelayOf } from "../errors.ts";
import type { EventLog } from "./event-log.ts";

export interface CatchUpOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  /** A page of history after a seq. */
  readonly read: (after: number) => Promise<ReplyOf<"history.get">>;
  readonly onApplied: (event: LogEvent) => void;
  /** The log begins at `from`: what was before it is gone. */
  readonly onTruncated: (from: number) => void;
  /** The server refused to read: nothing more will come of this conversation. */
  readonly onRefused: (error: RequestRefused) => void;
  readonly onProblem: (problem: unknown) => void;
}

/** Events held back; of more only the seq is remembered, and history brings them. */
const maxHeld = 256;

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #held = new Map<number, LogEvent>();
  /** Everything up to here is to be read. */
  #target = 0;
  /** A reading whose object is not this one any more has nothing to say. */
  #reading: object | undefined;
  #retry: Timer | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** A live event, or one of a resume. */
  receive(event: LogEvent): void {
    switch (this.#options.log.receive(event)) {
      case "known":
        return;
      case "applied":
        this.#options.onApplied(event);
        this.#applyHeld();
        return;
      case "hole":
        if (this.#held.size < maxHeld) this.#held.set(event.seq, event);
        this.readUpTo(event.seq);
    }
  }

  /** The log has events up to `head`: reads those that are missing. */
  readUpTo(head: number): void {
    this.#target = Math.max(this.#target, head);
    if (this.#reading !== undefined || this.#retry !== undefined || this.#options.log.have >= this.#target) return;
    const reading = {};
    this.#reading = reading;
    void this.#read(reading);
  }

  /** The log begins at `from`, beyond what is known: goes on from there. */
  truncate(from: number): void {
    this.#options.log.moveTo(from - 1);
    this.#options.onTruncated(from);
    this.#applyHeld();
  }

  /** Forgets what was held back and stops reading: the connection is gone, or the log is another one. */
  stop(): void {
    this.#held.clear();
    this.#target = 0;
    this.#reading = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  async #read(reading: object): Promise<void> {
    const { log, read } = this.#options;
    try {
      while (log.have < this.#target) {
        const asked = log.have;
        const target = this.#target;
        const { events, from = 0 } = await read(asked);
        if (reading !== this.#reading) return;
        // Without an event, all that is missing is gone.
        const first = events[0]?.seq ?? from;
        if (first > log.have + 1) this.truncate(first);
        for (const event of events) this.receive(event);
        if (log.have === asked && this.#target === target) {
          // Less is there than was announced: the log was replaced, which the next resume says.
          this.#target = 0;
          this.#held.clear();
        }
      }
      this.#reading = undefined;
    } catch (error) {
      if (reading !== this.#reading) return;
      this.#reading = undefined;
      // The next connection begins with a resume.
      if (isGone(error)) return;
      if (!(error instanceof RequestRefused)) return this.#options.onProblem(error);
      const delayMs = retryDelayOf(error);
      if (delayMs === undefined) return this.#options.onRefused(error);
      this.#retry = this.#options.clock.schedule(delayMs, () => {
        this.#retry = undefined;
        this.readUpTo(this.#target);
      });
    }
  }

  #applyHeld(): void {
    const { log } = this.#options;
    for (let event = this.#held.get(log.have + 1); event !== undefined; event = this.#held.get(log.have + 1)) {
      this.#held.delete(event.seq);
      if (log.receive(event) === "applied") this.#options.onApplied(event);
    }
    if (this.#held.size > 0) for (const seq of this.#held.keys()) if (seq <= log.have) this.#held.delete(seq);
  }
}
