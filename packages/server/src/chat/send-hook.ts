/**
 * What the host product has to say to a message before it is stored: allow, change or refuse. The shape only; `hooks/` asks.
 * Rules W11–W13.
 */
import type { ClientId, ConversationId, MessageBody, UserId } from "@suda/protocol";

export interface AskedSend {
  readonly what: "send" | "edit";
  readonly conversation: ConversationId;
  readonly from: UserId;
  readonly isBot: boolean;
  /** By the host's backend in this user's name. */
  readonly isBackend: boolean;
  readonly clientId?: ClientId;
  /** One, or up to five of a bot; of an edit the content alone. */
  readonly messages: readonly MessageBody[];
  /** Of an edit: the seq of the message. */
  readonly target?: number;
}

export interface SendHook {
  /**
   * The messages as they are to be stored: as many as were asked.
   * @throws SudaError send.refused with the hook's reason, hook.failed, server.busy
   */
  judge(asked: AskedSend): Promise<readonly MessageBody[]>;
}

/**
 * Keeps the order of calls across something that takes its time (D4): who enters first gets through first, whoever was
 * ready earlier. A line per key; an empty one costs nothing.
 */
export class Lines {
  readonly #last = new Map<string, Promise<void>>();

  enter(key: string): { readonly ready: Promise<void>; readonly leave: () => void } {
    const ready = this.#last.get(key) ?? Promise.resolve();
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => (leave = resolve));
    const through = ready.then(() => left);
    this.#last.set(key, through);
    void this.#forget(key, through);
    return { ready, leave };
  }

  async #forget(key: string, through: Promise<void>): Promise<void> {
    await through;
    if (this.#last.get(key) === through) this.#last.delete(key);
  }
}
