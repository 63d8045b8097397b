/** Which bots have connections to this node, and which have been without one for so long that they will hardly come back. */
import { streamLimits, type Clock, type Timer, type UserId } from "@suda/protocol";

export class BotConnections {
  readonly #clock: Clock;
  readonly #onGone: (bot: UserId, leftAtMs: number) => void;
  readonly #bots = new Map<UserId, { connections: number; leaving: Timer | undefined }>();

  /** @param onGone gets the bot ten seconds after its last connection ended, with when that was */
  constructor(clock: Clock, onGone: (bot: UserId, leftAtMs: number) => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  connected(bot: UserId): void {
    const known = this.#bots.get(bot) ?? { connections: 0, leaving: undefined };
    this.#bots.set(bot, known);
    known.connections++;
    known.leaving?.cancel();
    known.leaving = undefined;
  }

  disconnected(bot: UserId): void {
    const known = this.#bots.get(bot);
    if (known === undefined || --known.connections > 0) return;
    const leftAtMs = this.#clock.monotonicMs();
    known.leaving = this.#clock.schedule(streamLimits.goneMs, () => {
      this.#bots.delete(bot);
      this.#onGone(bot, leftAtMs);
    });
  }

  close(): void {
    for (const { leaving } of this.#bots.values()) leaving?.cancel();
    this.#bots.clear();
  }
}
