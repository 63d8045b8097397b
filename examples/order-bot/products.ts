/** What is sold. In a real shop this comes from its database. */
import { codePointLength, templateLimits } from "@suda/protocol";
import type { Language } from "./language.ts";

export interface Product {
  /** What buttons carry, and what is typed after `/buy`. Never used for another product. */
  readonly sku: string;
  /** At most 20 characters: it labels a row of the cart. */
  readonly title: Readonly<Record<Language, string>>;
  /** At most 80 characters. */
  readonly description: Readonly<Record<Language, string>>;
  /** Of one, in won. */
  readonly price: number;
  /** https. */
  readonly picture?: string;
}

export const products: readonly Product[] = [
  {
    sku: "notes",
    title: { ko: "손글씨 노트 3권", en: "Three notebooks" },
    description: { ko: "180도로 펼쳐지는 A5 노트", en: "A5, open flat" },
    price: 18_000,
  },
  { sku: "pens", title: { ko: "젤 펜 5자루", en: "Five gel pens" }, description: { ko: "0.38 mm, 다섯 가지 색", en: "0.38 mm, five colours" }, price: 9_000 },
  { sku: "ruler", title: { ko: "투명 자", en: "A clear ruler" }, description: { ko: "30 cm", en: "30 cm" }, price: 2_500 },
];

/** A cart shows a row for each product and one for the shipping. */
const maxProducts = templateLimits.rowsMax - 1;
const maxPrice = 100_000_000;

/** @throws RangeError for a catalogue that could not be shown */
export function checkProducts(catalogue: readonly Product[]): void {
  if (catalogue.length < 1 || catalogue.length > maxProducts) throw new RangeError(`There are ${catalogue.length} products; 1 to ${maxProducts} can be sold.`);
  if (new Set(catalogue.map(({ sku }) => sku)).size !== catalogue.length) throw new RangeError("Two products have the same sku.");
  for (const { sku, title, description, price } of catalogue) {
    if (!/^[a-z0-9-]{1,32}$/.test(sku)) throw new RangeError(`The sku ${JSON.stringify(sku)} is not 1 to 32 of a–z, 0–9 and -.`);
    if (!Number.isSafeInteger(price) || price < 1 || price > maxPrice)
      throw new RangeError(`The price of ${sku} is ${price}; it is a whole number of won from 1 to ${maxPrice}.`);
    for (const language of ["ko", "en"] as const) {
      checkLength(`The title of ${sku}`, title[language], templateLimits.rowLabelMaxLength);
      checkLength(`The description of ${sku}`, description[language], templateLimits.commerceDescriptionMaxLength);
    }
  }
}

function checkLength(what: string, text: string, max: number): void {
  const length = codePointLength(text);
  if (length < 1 || length > max) throw new RangeError(`${what} has ${length} characters; it has 1 to ${max}.`);
}
