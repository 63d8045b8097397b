/** Who does something at the moment, until they say otherwise, or nobody has said so for some time. */
import type { Clock, Timer, UserId } from "@suda/protocol";

export interface BusyUsersOptions {
  readonly clock: Clock;
  /** What the server counts with: without being told again it is over. */
  readonly goodForMs: number;
  readonly onChange: () => void;
}

export class BusyUsers {
  readonly #options: BusyUsersOptions;
  readonly #timers = new Map<UserId, Timer>();

  constructor(options: BusyUsersOptions) {
    this.#options = options;
  }

  get users(): readonly UserId[] {
    return [...this.#timers.keys()];
  }

  started(user: UserId): void {
    const { clock, goodForMs, onChange } = this.#options;
    const before = this.#timers.get(user);
    before?.cancel();
    this.#timers.set(
      user,
      clock.schedule(goodForMs, () => this.stopped(user)),
    );
    if (before === undefined) onChange();
  }

  /** They said so, they sent their message, or time went by. */
  stopped(user: UserId): void {
    this.#timers.get(user)?.cancel();
    if (this.#timers.delete(user)) this.#options.onChange();
  }

  clear(): void {
    for (const user of this.#timers.keys()) this.stopped(user);
  }
}
