/**
 * Time and chance as arguments, so that a whole system of clients and servers can run on a virtual clock
 * with a seeded source of randomness (DESIGN §12). Nothing of ours reads `Date` or `Math.random` elsewhere.
 */
export interface Clock {
  /** Wall clock, epoch milliseconds; may jump. */
  now(): number;
  /** Milliseconds that never go backwards; for measuring and for limits. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`; does not keep a process alive. */
  schedule(delayMs: number, task: () => void): Timer;
  /** Runs `task` when what has come until now was looked at. Only time that has turns of its own has it; elsewhere they are those of the event loop. */
  nextTurn?(task: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** `length` random bytes, unguessable in production. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). */
  float(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, task) {
    const handle = setTimeout(task, delayMs);
    // Browsers return a number here, Node an object that would keep the process alive.
    if (typeof handle === "object") handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

export const systemRandom: Random = {
  bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
  float: () => Math.random(),
};
