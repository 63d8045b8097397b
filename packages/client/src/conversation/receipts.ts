/** How far others have read, and how far their devices have received. Only grows; bounded, because servers tell receipts in groups of up to 100 members only. */
import type { UserId } from "@suda/protocol";

export interface Receipt {
  readonly read: number;
  /** Never less than `read`. */
  readonly delivered: number;
}

const maxUsers = 200;
const none: Receipt = { read: 0, delivered: 0 };

export class Receipts {
  readonly #byUser = new Map<UserId, Receipt>();
  #highest = none;
  #copy: ReadonlyMap<UserId, Receipt> | undefined;

  /** The highest seq that anybody else has read, and that anybody else has received. */
  get highest(): Receipt {
    return this.#highest;
  }

  /** False when that was known. */
  advance(user: UserId, receipt: Receipt): boolean {
    const known = this.#byUser.get(user) ?? none;
    const next = later(known, receipt);
    if (next.read === known.read && next.delivered === known.delivered) return false;
    this.#highest = later(this.#highest, next);
    if (known === none && this.#byUser.size >= maxUsers) return true;
    this.#byUser.set(user, next);
    this.#copy = undefined;
    return true;
  }

  clear(): void {
    this.#byUser.clear();
    this.#highest = none;
    this.#copy = undefined;
  }

  /** The same object until something changes. */
  copy(): ReadonlyMap<UserId, Receipt> {
    this.#copy ??= new Map(this.#byUser);
    return this.#copy;
  }
}

function later(one: Receipt, other: Receipt): Receipt {
  const read = Math.max(one.read, other.read);
  return { read, delivered: Math.max(read, one.delivered, other.delivered) };
}
