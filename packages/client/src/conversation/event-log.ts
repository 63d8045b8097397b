/**
 * What is known of one conversation's log: everything up to `have`, of which the newest part is held as a run of
 * events without holes. Pure: no time, no network. ⑪ of the path of a message.
 *
 * Holds at all times: the events are consecutive, and the last one's seq is `have`.
 */
import type { LogEvent, UserId } from "@suda/protocol";

export class EventLog {
  #events: LogEvent[] = [];
  #have: number;
  #isKeeping = false;

  /** @param have seq up to which the log counts as known */
  constructor(have: number) {
    this.#have = have;
  }

  get have(): number {
    return this.#have;
  }

  /** Seq of the oldest event held; `have + 1` when none is. */
  get first(): number {
    return this.#have + 1 - this.#events.length;
  }

  /** Ascending; the array changes when something is received. */
  get events(): readonly LogEvent[] {
    return this.#events;
  }

  get isKeeping(): boolean {
    return this.#isKeeping;
  }

  /** Messages of others than `me` after `seq`; `undefined` when not everything from there up to `head` is held. */
  countOthersAfter(seq: number, { head, me }: { readonly head: number; readonly me: UserId | undefined }): number | undefined {
    if (!this.#isKeeping || this.first > seq + 1 || this.#have < head) return undefined;
    return this.#events.filter((event) => event.seq > seq && event.type === "message.created" && event.from !== me).length;
  }

  /** Whether received events are held; without it only `have` moves on, and what was held is dropped. */
  set isKeeping(isKeeping: boolean) {
    this.#isKeeping = isKeeping;
    if (!isKeeping) this.#events = [];
  }

  /** `known`: nothing happened. `hole`: events before it are missing, and it was not taken. */
  receive(event: LogEvent): "applied" | "known" | "hole" {
    if (event.seq <= this.#have) return "known";
    if (event.seq > this.#have + 1) return "hole";
    this.#have = event.seq;
    if (this.#isKeeping) this.#events.push(event);
    return "applied";
  }

  /** Takes older events that lead up to {@link first}, ascending; known ones among them are passed over. Others than these are not taken. Returns what was added. */
  prepend(page: readonly LogEvent[]): readonly LogEvent[] {
    const older = page.filter(({ seq }) => seq < this.first);
    if (!this.#isKeeping || older.at(-1)?.seq !== this.first - 1) return [];
    this.#events = [...older, ...this.#events];
    return older;
  }

  /** The event at `seq`, if it is held. */
  at(seq: number): LogEvent | undefined {
    return this.#events[seq - this.first];
  }

  /** Puts what `change` makes of it in the place of the event at `seq`, if it is held. */
  change(seq: number, change: (event: LogEvent) => LogEvent): void {
    const index = seq - this.first;
    const event = this.#events[index];
    if (event !== undefined) this.#events[index] = change(event);
  }

  /** Holds at most the newest `count` events. True when some were dropped. */
  trim(count: number): boolean {
    if (this.#events.length <= count) return false;
    this.#events = this.#events.slice(this.#events.length - count);
    return true;
  }

  /** Forgets everything and goes on after `have`. */
  moveTo(have: number): void {
    this.#have = have;
    this.#events = [];
  }
}
