/**
 * What could not be delivered and was given up, until somebody replays or deletes it. A letter names its entry and does not
 * hold it: what is deleted or truncated in the log is not kept here. Per owner at most a thousand; then the oldest go,
 * and are counted.
 */
import type { ConversationId } from "@suda/protocol";
import type { DocumentStore } from "../store/document-store.ts";
import { documentsOf } from "../store/read-whole.ts";
import { webhookIdOf } from "./signed-request.ts";
import type { Trouble } from "./retries.ts";

export interface DeadLetter {
  /** Ascending with the time of giving up. */
  readonly id: string;
  readonly conversation: ConversationId;
  readonly seq: number;
  readonly type: string;
  readonly attempts: number;
  readonly firstFailureAt: number;
  /** When it was given up. */
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/** Of one owner: a bot, or a hook. */
export const deadLettersMax = 1_000;

export class DeadLetters {
  readonly #documents: DocumentStore;
  /** Counted when first asked for. Other processes may change it: it is counted again before anything is dropped. */
  readonly #counts = new Map<string, number>();

  constructor(documents: DocumentStore) {
    this.#documents = documents;
  }

  /** @returns how many old ones had to go */
  async add(owner: string, { conversation, seq, type, attempts, firstFailureAt, code, message }: Trouble, at: number): Promise<number> {
    const id = `${at.toString(36).padStart(9, "0")}-${webhookIdOf(conversation, seq)}`;
    const letter: DeadLetter = { id, conversation, seq, type, attempts, firstFailureAt, at, code, message };
    const before = await this.count(owner);
    await this.#documents.put("dead-letters", keyOf(owner, id), { ...letter });
    this.#counts.set(owner, before + 1);
    return before + 1 > deadLettersMax ? this.#trim(owner) : 0;
  }

  async count(owner: string): Promise<number> {
    return this.#counts.get(owner) ?? this.recount(owner);
  }

  /** What other processes added and deleted is counted too. */
  async recount(owner: string): Promise<number> {
    let count = 0;
    for await (const _letter of this.#all(owner)) count++;
    this.#counts.set(owner, count);
    return count;
  }

  /** Oldest first. `limit` 1–100. */
  async list(owner: string, after: string | undefined, limit: number): Promise<readonly DeadLetter[]> {
    const page = await this.#documents.list("dead-letters", keyOf(owner, after ?? ""), limit);
    return page.filter(({ key }) => key.startsWith(keyOf(owner, ""))).map(({ value }) => value as unknown as DeadLetter);
  }

  async get(owner: string, id: string): Promise<DeadLetter | undefined> {
    return (await this.#documents.get("dead-letters", keyOf(owner, id)))?.value as unknown as DeadLetter | undefined;
  }

  /** Whether there was one. */
  async delete(owner: string, id: string): Promise<boolean> {
    const { outcome } = await this.#documents.delete("dead-letters", keyOf(owner, id));
    const count = this.#counts.get(owner);
    if (outcome === "deleted" && count !== undefined) this.#counts.set(owner, count - 1);
    return outcome === "deleted";
  }

  async deleteAll(owner: string): Promise<number> {
    const ids: string[] = [];
    for await (const { id } of this.#all(owner)) ids.push(id);
    for (const id of ids) await this.delete(owner, id);
    return ids.length;
  }

  async #trim(owner: string): Promise<number> {
    const ids: string[] = [];
    for await (const { id } of this.#all(owner)) ids.push(id);
    this.#counts.set(owner, ids.length);
    const surplus = ids.slice(0, Math.max(0, ids.length - deadLettersMax));
    for (const id of surplus) await this.delete(owner, id);
    return surplus.length;
  }

  async *#all(owner: string): AsyncGenerator<DeadLetter> {
    for await (const { value } of documentsOf(this.#documents, "dead-letters", keyOf(owner, ""))) yield value as unknown as DeadLetter;
  }
}

function keyOf(owner: string, id: string): string {
  return `${owner}/${id}`;
}
