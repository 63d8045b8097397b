/**
 * Something that changes, for whoever renders it: `subscribe` and `getSnapshot`, as React's
 * useSyncExternalStore wants them. A snapshot never changes and stays the same object until something did.
 *
 * Listeners are told once per turn and not once per change: a WebSocket message may carry hundreds of events.
 */
export interface Observable<Snapshot> {
  /** Calls `listener` after changes; returns what ends it. Needs no `this`. */
  readonly subscribe: (listener: () => void) => () => void;
  /** How it is now. Needs no `this`. */
  readonly getSnapshot: () => Snapshot;
}

export class SnapshotStore<Snapshot> implements Observable<Snapshot> {
  readonly #build: () => Snapshot;
  readonly #onProblem: (problem: unknown) => void;
  readonly #listeners = new Set<() => void>();
  #snapshot: { readonly value: Snapshot } | undefined;
  #isTelling = false;

  /** @param onProblem gets what a listener throws */
  constructor(build: () => Snapshot, onProblem: (problem: unknown) => void) {
    this.#build = build;
    this.#onProblem = onProblem;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // A function of its own, so that the same listener may be given twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  };

  readonly getSnapshot = (): Snapshot => {
    this.#snapshot ??= { value: this.#build() };
    return this.#snapshot.value;
  };

  /** The snapshot is old; listeners are told at the end of this turn. */
  changed(): void {
    this.#snapshot = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of this.#listeners) {
        try {
          listener();
        } catch (problem) {
          // The listener is the host's code; one that fails must not keep the others from being told.
          this.#onProblem(problem);
        }
      }
    });
  }
}
