/** Who is writing, and telling that one writes oneself: ephemeral, and never in the way of anything (promise 10). */
import type { Clock, Timer, UserId } from "@suda/protocol";

/** What the server counts with: somebody's typing is over after 6 s without being told again. */
const goodForMs = 6_000;
/** One's own is told again at most this often. */
const tellEveryMs = 3_000;

export interface TypingOptions {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly tell: (type: "typing.start" | "typing.stop") => Promise<unknown>;
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

  /** One writes. */
  start(): void {
    if (!this.#options.isOpen()) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#toldAtMs !== undefined && nowMs - this.#toldAtMs < tellEveryMs) return;
    this.#toldAtMs = nowMs;
    this.#tell("typing.start");
  }

  /** One has stopped. */
  stop(): void {
    const wasTold = this.#toldAtMs !== undefined;
    this.endTurn();
    if (wasTold && this.#options.isOpen()) this.#tell("typing.stop");
  }

  /** One has sent, or nobody hears it: the next stroke is told at once. */
  endTurn(): void {
    this.#toldAtMs = undefined;
  }

  #tell(type: "typing.start" | "typing.stop"): void {
    // Lossy by contract: a refusal (too fast, too many members) changes nothing for the user.
    this.#options.tell(type).catch(() => {});
  }
}
