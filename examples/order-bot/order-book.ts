/**
 * Where orders go: in a real shop its database, in which the key is unique. Each order has a key from the tap that made it, and
 * there is one order for a key for ever. So a tap that is handled again, after whatever died, finds its order.
 */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Quote } from "./cart.ts";
import type { Delivery } from "./delivery.ts";
import type { Language } from "./language.ts";
import { readJson } from "./read-json.ts";
import { writeDurably } from "./write-durably.ts";

export interface Order {
  readonly key: string;
  /** For people; made of the key. */
  readonly number: string;
  readonly customer: string;
  readonly language: Language;
  /** When it was ordered, epoch ms. */
  readonly at: number;
  readonly quote: Quote;
  readonly delivery: Delivery;
}

export interface OrderBook {
  find(key: string): Promise<Order | undefined>;
  /** Resolves when it is kept: the given order, or the one that has its key already. */
  place(order: Omit<Order, "number">): Promise<Order>;
}

/** A file for each order. */
export function fileOrders(folder: string): OrderBook {
  const fileOf = (key: string): string => join(folder, `${numberOf(key)}.json`);
  const find = async (key: string): Promise<Order | undefined> => {
    const order = (await readJson(fileOf(key))) as Order | undefined;
    // Of a million orders, two have one number with a probability of 1 : 37,000,000. Better no order than another customer's.
    if (order !== undefined && order.key !== key) throw new Error(`The number ${order.number} is taken by another order.`);
    return order;
  };
  return {
    find,
    async place(given) {
      const found = await find(given.key);
      if (found !== undefined) return found;
      const order = { ...given, number: numberOf(given.key) };
      await mkdir(folder, { recursive: true });
      await writeDurably(fileOf(given.key), JSON.stringify(order));
      return order;
    },
  };
}

/** `4F0C-91D2-7A3B-08E6`: 64 bits of a digest. */
function numberOf(key: string): string {
  const digits = createHash("sha256").update(key).digest("hex").slice(0, 16).toUpperCase();
  return [0, 4, 8, 12].map((at) => digits.slice(at, at + 4)).join("-");
}
