/** Sends of one connection that go out without waiting for answers: taken in their order (D4), answered when durable (D2). */
import type { CommandOf } from "@suda/protocol";
import type { SendOrder } from "../chat/append-messages.ts";
import { RefusedSends } from "./refused-sends.ts";

type Send = CommandOf<"message.send"> | CommandOf<"bot.send">;

/** Sends of one connection that wait for the disk together. */
const maxPending = 64;

export interface PipelinedSendsOptions {
  /** Answers with what `work` brings. Never rejects. */
  readonly answer: (command: Send, work: () => Promise<object>) => Promise<unknown>;
  readonly fail: (command: Send, error: unknown) => void;
}

export class PipelinedSends {
  readonly #options: PipelinedSendsOptions;
  readonly #refused = new RefusedSends();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: PipelinedSendsOptions) {
    this.#options = options;
  }

  /** What `start` does resolves when the store has taken what is sent in its order, and so does this; the answer follows when it is durable. */
  async start(command: Send, start: (order: SendOrder | undefined) => Promise<{ readonly committed: Promise<object> }>): Promise<void> {
    while (this.#pending.size >= maxPending) await Promise.race(this.#pending);
    const order = command.type === "message.send" ? this.#refused.orderOf(command) : undefined;
    let committed: Promise<object>;
    try {
      ({ committed } = await start(order));
    } catch (error) {
      order?.refused(error);
      return this.#options.fail(command, error);
    }
    if (order !== undefined) committed.catch(order.refused);
    const pending = this.#options.answer(command, () => committed).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** Of one that was refused before it began, with an error that may pass. */
  refused(command: CommandOf<"message.send">): void {
    this.#refused.orderOf(command).refused(undefined);
  }

  /** Resolves when all that were started are answered. */
  async settled(): Promise<void> {
    if (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}
