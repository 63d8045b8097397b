/** An outbox that lives as long as the program: the default. */
import type { ClientId } from "@suda/protocol";
import type { Outbox, OutboxEntry } from "./outbox.ts";

export class MemoryOutbox implements Outbox {
  readonly #entries = new Map<ClientId, OutboxEntry>();

  async load(): Promise<readonly OutboxEntry[]> {
    return [...this.#entries.values()];
  }

  async put(entry: OutboxEntry): Promise<void> {
    this.#entries.set(entry.clientId, entry);
  }

  async remove(clientId: ClientId): Promise<void> {
    this.#entries.delete(clientId);
  }
}
