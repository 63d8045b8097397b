/** How far others have read. Only grows; bounded, because servers tell receipts in groups of up to 100 members only. */
import type { UserId } from "@suda/protocol";

const maxUsers = 200;

export class Receipts {
  readonly #byUser = new Map<UserId, number>();
  #highest = 0;
  #copy: ReadonlyMap<UserId, number> | undefined;

  /** The highest seq that anybody else has read. */
  get highest(): number {
    return this.#highest;
  }

  /** False when that was known. */
  advance(user: UserId, read: number): boolean {
    const known = this.#byUser.get(user);
    if ((known ?? 0) >= read) return false;
    this.#highest = Math.max(this.#highest, read);
    if (known === undefined && this.#byUser.size >= maxUsers) return true;
    this.#byUser.set(user, read);
    this.#copy = undefined;
    return true;
  }

  clear(): void {
    this.#byUser.clear();
    this.#highest = 0;
    this.#copy = undefined;
  }

  /** The same object until something changes. */
  copy(): ReadonlyMap<UserId, number> {
    this.#copy ??= new Map(this.#byUser);
    return this.#copy;
  }
}
