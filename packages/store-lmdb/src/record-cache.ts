/**
 * Decoded records of conversations in use, so that an append to a busy one reads nothing. Bounded: when the
 * young half is full it becomes the old one, and what was not asked for since is forgotten with the next turn.
 */
export class RecordCache {
  #young = new Map<string, object>();
  #old = new Map<string, object>();
  readonly #halfSize: number;

  /** @param maxRecords 2 or more */
  constructor(maxRecords: number) {
    this.#halfSize = Math.max(1, maxRecords >> 1);
  }

  get(key: string): object | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, record: object): void {
    if (this.#young.size >= this.#halfSize && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, record);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
