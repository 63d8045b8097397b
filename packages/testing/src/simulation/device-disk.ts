/**
 * What survives when a device of a simulated world dies: its outbox. A write takes some milliseconds until it is
 * durable, and a death in between has it or not, as chance will have it. Keeps the promises that `@suda/client` asks
 * of an outbox.
 */
import type { Outbox, OutboxEntry } from "@suda/client";
import type { ClientId } from "@suda/protocol";
import type { SeededRandom } from "../seeded-random.ts";
import type { VirtualTime } from "./virtual-time.ts";

interface Write {
  readonly apply: () => void;
  readonly resolve: () => void;
}

const writeMaxMs = 8;

export class DeviceDisk {
  /** What a program that starts now finds. */
  readonly entries: Map<ClientId, OutboxEntry> = new Map();
  /** All clientIds that ever were durable. */
  readonly kept: Set<ClientId> = new Set();
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  #waiting: Write[] = [];

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  /** For one life of the program; `isAlive` says whether it still runs. */
  outbox(isAlive: () => boolean): Outbox {
    const write = async (apply: () => void): Promise<void> =>
      new Promise((resolve) => {
        // To the dead nothing is ever answered.
        if (isAlive()) this.#begin({ apply, resolve });
      });
    return {
      load: async () => [...this.entries.values()],
      put: (entry) =>
        write(() => {
          this.entries.set(entry.clientId, entry);
          this.kept.add(entry.clientId);
        }),
      remove: (clientId) => write(() => void this.entries.delete(clientId)),
    };
  }

  /** The program dies: of what it was writing, a beginning is there. */
  crash(): void {
    const reached = this.#random.integer(0, this.#waiting.length);
    for (const { apply } of this.#waiting.slice(0, reached)) apply();
    this.#waiting = [];
  }

  #begin(write: Write): void {
    this.#waiting.push(write);
    if (this.#waiting.length === 1) this.#time.schedule(this.#random.integer(1, writeMaxMs), () => this.#flush());
  }

  /** All that wait, in the order in which they were asked for. */
  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { apply, resolve } of waiting) {
      apply();
      resolve();
    }
  }
}
