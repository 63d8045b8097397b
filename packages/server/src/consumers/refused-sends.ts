/**
 * Which sends of one connection were refused with an error that may pass, so that what its client sent behind one of them,
 * before it knew of that, does not overtake it (D17).
 */
import { SudaError, type ClientId, type CommandOf } from "@suda/protocol";
import type { SendOrder } from "../chat/append-messages.ts";

/** A client has fewer on their way before it hears of the first one's refusal. */
const maxRemembered = 256;

type Send = Pick<CommandOf<"message.send">, "conversation" | "clientId" | "follows">;

export class RefusedSends {
  /** Most connections have none. */
  #keys: Set<string> | undefined;

  /** Of a send that begins; it may have been refused before and is tried again. */
  orderOf({ conversation, clientId, follows }: Send): SendOrder {
    this.#keys?.delete(keyOf(conversation, clientId));
    const refused = (error: unknown): void => {
      // Behind what is refused for good others may go on.
      if (error instanceof SudaError && !error.retryable) return;
      this.#remember(keyOf(conversation, clientId));
    };
    const beforeAppend = (): void => {
      if (follows === undefined || this.#keys?.has(keyOf(conversation, follows)) !== true) return;
      const error = new SudaError("send.order");
      // In this turn, for what follows this one.
      refused(error);
      throw error;
    };
    return { beforeAppend, refused };
  }

  #remember(key: string): void {
    this.#keys ??= new Set();
    if (this.#keys.size >= maxRemembered) for (const oldest of this.#keys) if (this.#keys.delete(oldest)) break;
    this.#keys.add(key);
  }
}

function keyOf(conversation: string, clientId: ClientId): string {
  return `${conversation}\n${clientId}`;
}
