/**
 * Time of a simulation: a queue of what is to happen, in whole milliseconds. What falls on the same millisecond
 * is one turn; then everything that waits for promises goes on, and only then does time move. So a run is the
 * same however fast the machine is.
 */
import type { Clock, Timer } from "@suda/protocol";

interface Task {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** How often one millisecond may be gone through before it is a loop. */
const maxRoundsOfAMillisecond = 10_000;

export class VirtualTime {
  #now = 0;
  #order = 0;
  readonly #heap: Task[] = [];
  readonly #onTurnEnd: () => void;

  /** @param onTurnEnd called when everything of a turn has been done: what is to be written is written now */
  constructor(onTurnEnd: () => void) {
    this.#onTurnEnd = onTurnEnd;
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const task: Task = { at: this.#now + Math.max(0, Math.ceil(delayMs)), order: ++this.#order, run };
    this.#push(task);
    return { cancel: () => (task.run = undefined) };
  }

  /** @param view its wall clock, and whether its owner still lives: timers of the dead do nothing */
  clock({ wallMs, isAlive = () => true }: { readonly wallMs: () => number; readonly isAlive?: () => boolean }): Clock {
    return {
      now: () => Math.floor(wallMs() + this.#now),
      monotonicMs: () => this.#now,
      schedule: (delayMs, task) => this.#scheduleOf(isAlive, delayMs, task),
      nextTurn: (task) => void this.#scheduleOf(isAlive, 0, task),
    };
  }

  #scheduleOf(isAlive: () => boolean, delayMs: number, task: () => void): Timer {
    return this.schedule(delayMs, () => {
      if (isAlive()) task();
    });
  }

  /** Lets everything happen that is due within `ms`. The process is given back to the system once, before it: for a test's time-out. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#onTurnEnd();
    let rounds = 0;
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      rounds = next.at === this.#now ? rounds + 1 : 0;
      if (rounds > maxRoundsOfAMillisecond) throw new Error(`Something happens for ever at ${this.#now} ms.`);
      this.#now = next.at;
      let isTurn = false;
      while (this.#heap[0] !== undefined && this.#heap[0].at === this.#now) {
        const { run } = this.#pop();
        if (run === undefined) continue;
        isTurn = true;
        run();
      }
      if (isTurn) await this.#turn();
    }
    this.#now = end;
  }

  /**
   * All promises that can go on have gone on when the next tick comes, which Node begins when no microtask is left: nothing of
   * the run path waits for the system, and asking the system each time costs a twentieth of a world's time.
   */
  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
    this.#onTurnEnd();
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let index = heap.push(task) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Task;
      if (isBefore(parent, task)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = task;
  }

  #pop(): Task {
    const heap = this.#heap;
    const first = heap[0] as Task;
    const task = heap.pop() as Task;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Task, heap[below] as Task)) below++;
      if (isBefore(task, heap[below] as Task)) break;
      heap[index] = heap[below] as Task;
      index = below;
    }
    heap[index] = task;
    return first;
  }
}

function isBefore(one: Task, other: Task): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
