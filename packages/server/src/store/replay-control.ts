/**
 * What a log alone tells of who is in charge: everything, from the first change that is there on. Of a truncated log
 * without one, only that the agent's lease is as new as their last message.
 */
import type { UserId } from "@suda/protocol";
import { controlAfter, type ControlRecord } from "./control.ts";
import type { LogEntry } from "./store.ts";

export class ControlReplay {
  /** Changes whose epoch does not follow from the one before. */
  readonly wrongEpochs: number[] = [];
  readonly #floor: number;
  /** As the entries lead to it; `undefined` when none of them changed it. */
  #control: ControlRecord | undefined;
  /** Of a truncated log, before its first change: when everybody spoke last. */
  readonly #spoke = new Map<UserId, LogEntry>();

  /** @param floor seq of the last entry that is gone */
  constructor(floor: number) {
    this.#floor = floor;
  }

  apply(entry: LogEntry): void {
    const { seq, from, body } = entry;
    if (body.type === "control.changed") {
      const before = this.#control?.epoch ?? (this.#floor === 0 ? 0 : undefined);
      if (before !== undefined && body.epoch !== before + 1) this.wrongEpochs.push(seq);
    } else if (this.#control === undefined && this.#floor > 0 && body.type === "message.created") this.#spoke.set(body.agent ?? from, entry);
    this.#control = controlAfter(this.#control, entry);
  }

  /** What the record must be; the stored one where the log cannot tell. */
  expected(stored: ControlRecord | undefined): ControlRecord | undefined {
    if (this.#control !== undefined || this.#floor === 0) return this.#control;
    // Its change is gone, so it is none of those that are there.
    if (stored === undefined || stored.seq > this.#floor) return undefined;
    const spoke = stored.agent === undefined ? undefined : this.#spoke.get(stored.agent);
    return spoke === undefined ? stored : controlAfter(stored, spoke);
  }
}
