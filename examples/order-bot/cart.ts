/** What a customer wants to have, and what it costs. */
import type { Product } from "./products.ts";

export interface CartLine {
  readonly sku: string;
  /** 1…{@link maxQuantity}. */
  readonly quantity: number;
}

/** What a cart costs at this moment. It is what the customer says yes to, so it is kept beside the question. */
export interface Quote {
  readonly lines: readonly QuoteLine[];
  /** In won, as all amounts here. */
  readonly subtotal: number;
  readonly shipping: number;
  readonly total: number;
}

export interface QuoteLine {
  readonly sku: string;
  readonly title: Product["title"];
  readonly quantity: number;
  readonly unitPrice: number;
  /** Of all pieces together. */
  readonly price: number;
}

/** Of one product in one order. */
export const maxQuantity = 10;
const shippingFee = 3_000;
const freeShippingFrom = 50_000;

/** A whole number from 1 to {@link maxQuantity}, as it is typed; nothing for anything else. */
export function readQuantity(text: string): number | undefined {
  const quantity = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  return quantity >= 1 && quantity <= maxQuantity ? quantity : undefined;
}

/** The cart with so many more of a product, or nothing when that would be more than {@link maxQuantity} of it. */
export function addToCart(cart: readonly CartLine[], sku: string, quantity: number): readonly CartLine[] | undefined {
  const before = cart.find((line) => line.sku === sku)?.quantity ?? 0;
  if (before + quantity > maxQuantity) return undefined;
  if (before === 0) return [...cart, { sku, quantity }];
  return cart.map((line) => (line.sku === sku ? { sku, quantity: before + quantity } : line));
}

/** What is not sold any more is not in it; a quote without lines is one for nothing. */
export function quoteOf(cart: readonly CartLine[], catalogue: readonly Product[]): Quote {
  const lines = cart.flatMap(({ sku, quantity }): QuoteLine[] => {
    const product = catalogue.find((one) => one.sku === sku);
    return product === undefined ? [] : [{ sku, title: product.title, quantity, unitPrice: product.price, price: product.price * quantity }];
  });
  const subtotal = lines.reduce((sum, { price }) => sum + price, 0);
  const shipping = subtotal >= freeShippingFrom || lines.length === 0 ? 0 : shippingFee;
  return { lines, subtotal, shipping, total: subtotal + shipping };
}
