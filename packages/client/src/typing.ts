/** Who is writing, and telling that one writes oneself: ephemeral, and never in the way of anything (promise 10). */
import type { Clock, Timer, UserId } from "@suda/protocol";

/** What the server counts with: somebody's typing is over after 6 s without being told again. */
const goodForMs = 6_000;
/** One's own is told again at most this often. */
const tellEveryMs = 3_000;

export interface TypingOptions {
  readonly clock: Clock;
  readonly onChange: () => void;
}

export class Typing {
  readonly #options: TypingOptions;
  readonly #timers = new Map<UserId, Timer>();
  #toldAtMs: number | undefined;

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  get users(): readonly UserId[] {
    return [...this.#timers.keys()];
  }

  started(user: UserId): void {
    const before = this.#timers.get(user);
    before?.cancel();
    this.#timers.set(
      user,
      this.#options.clock.schedule(goodForMs, () => this.stopped(user)),
    );
    if (before === undefined) this.#options.onChange();
  }

  /** They said so, they sent their message, or time went by. */
  stopped(user: UserId): void {
    this.#timers.get(user)?.cancel();
    if (this.#timers.delete(user)) this.#options.onChange();
  }

  clear(): void {
    for (const user of this.#timers.keys()) this.stopped(user);
  }

  /** Whether it is time to tell that one writes. */
  takeTurn(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#toldAtMs !== undefined && nowMs - this.#toldAtMs < tellEveryMs) return false;
    this.#toldAtMs = nowMs;
    return true;
  }

  /** One has sent or stopped: the next stroke is told at once. True when it had been told. */
  endTurn(): boolean {
    const wasTold = this.#toldAtMs !== undefined;
    this.#toldAtMs = undefined;
    return wasTold;
  }
}
