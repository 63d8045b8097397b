/** For those who wait until what they wrote is shown: an event is told a moment after the reply that announced it. */
import type { Clock, ConversationId } from "@suda/protocol";

/** What is durable but was not told by then will be when there is a connection again. */
const patienceMs = 5_000;

interface Waiting {
  readonly conversation: ConversationId;
  readonly seq: number;
  readonly resolve: () => void;
}

export class Told {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(conversation: ConversationId, seq: number): void {
    for (const one of this.#waiting) if (one.conversation === conversation && one.seq <= seq) one.resolve();
  }

  /** Resolves when the event at `seq` is told, or after 5 s. */
  async until(conversation: ConversationId, seq: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#waiting.delete(one);
        resolve();
      };
      const one: Waiting = { conversation, seq, resolve: done };
      const timer = this.#clock.schedule(patienceMs, done);
      this.#waiting.add(one);
    });
  }
}
