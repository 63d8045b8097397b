/**
 * Taps that are on their way until the server has them or refuses them for good, over as many connections as it takes, each
 * always with the same clientId (T15). They are not in the outbox: a tap means the moment, and does not outlive the program.
 */
import type { Clock, CommandOf, Random, ReplyOf } from "@suda/protocol";
import type { Request } from "../connection/connection.ts";
import { OutboxFull } from "../errors.ts";
import { newClientId } from "../ids.ts";

export interface TapsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly request: Request;
}

export type Tap = Omit<CommandOf<"interaction.tap">, "type" | "ref" | "clientId">;

/** Taps without an answer: far more than a person makes while there is no connection, and half of what a server carries out of a connection at once. */
const maxWaiting = 32;
/** After a refusal that names no time. */
const retryMs = 1_000;

export class Taps {
  readonly #options: TapsOptions;
  /** What ends the waits of those that are not being asked. */
  readonly #waits = new Set<() => void>();
  #count = 0;

  constructor(options: TapsOptions) {
    this.#options = options;
  }

  /** @throws (rejects) RequestRefused, OutboxFull, ClientClosed */
  async tap(what: Tap): Promise<ReplyOf<"interaction.tap">> {
    if (this.#count >= maxWaiting) throw new OutboxFull(`${maxWaiting} taps wait already.`);
    this.#count++;
    const clientId = newClientId(this.#options.random);
    try {
      for (;;) {
        try {
          return await this.#options.request("interaction.tap", { ...what, clientId });
        } catch (error) {
          const { retryable, retryAfterMs } = error as { readonly retryable?: boolean; readonly retryAfterMs?: number };
          if (retryable !== true) throw error;
          await this.#wait(retryAfterMs);
        }
      }
    } finally {
      this.#count--;
    }
  }

  /** There is a connection, or will be none any more: all are asked again now. */
  wake(): void {
    for (const end of this.#waits) end();
  }

  #wait(delayMs = retryMs): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#waits.delete(end);
        resolve();
      };
      const timer = this.#options.clock.schedule(delayMs, end);
      this.#waits.add(end);
    });
  }
}
