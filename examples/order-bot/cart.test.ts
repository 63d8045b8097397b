/** What is chosen and what it costs, where it goes, and what can be sold: without a server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addToCart, maxQuantity, quoteOf, readQuantity } from "./cart.ts";
import { checkDelivery, deliveryForm } from "./delivery.ts";
import { formatWon } from "./format-won.ts";
import { languageOf } from "./language.ts";
import { checkProducts, products, type Product } from "./products.ts";
import { somewhere } from "./test/shop.ts";

test("won are whole, and written as each language writes them", () => {
  assert.deepEqual([formatWon(0, "ko"), formatWon(39_000, "ko"), formatWon(1_234_567, "en")], ["0원", "39,000원", "₩1,234,567"]);
  for (const amount of [0.5, -1, Number.NaN, 2 ** 53]) assert.throws(() => formatWon(amount, "ko"), RangeError);
});

test("the language is that of the words, and a text without any leaves it as it was", () => {
  assert.deepEqual(["안녕 Suda", "hello", "42 👍", ""].map(languageOf), ["ko", "en", undefined, undefined]);
});

test("of one product there are 1 to 10, typed or added up", () => {
  assert.deepEqual(["1", "10", "010", "0", "11", "-1", "1.5", "1e1", "", "many", "99999999"].map(readQuantity), [
    1,
    10,
    10,
    ...Array.from({ length: 8 }, () => undefined),
  ]);
  const nine = addToCart([], "pens", 9) ?? [];
  assert.deepEqual(addToCart(nine, "pens", 1), [{ sku: "pens", quantity: maxQuantity }]);
  assert.equal(addToCart(nine, "pens", 2), undefined);
  assert.deepEqual(addToCart(nine, "ruler", 2), [...nine, { sku: "ruler", quantity: 2 }]);
});

test("a quote adds up, ships for nothing from 50,000 won on, and leaves out what is not sold", () => {
  const amounts = (...cart: [string, number][]): number[] => {
    const { subtotal, shipping, total } = quoteOf(
      cart.map(([sku, quantity]) => ({ sku, quantity })),
      products,
    );
    return [subtotal, shipping, total];
  };
  assert.deepEqual(amounts(["notes", 1], ["pens", 2]), [36_000, 3_000, 39_000]);
  assert.deepEqual(amounts(["notes", 2], ["pens", 1], ["ruler", 2]), [50_000, 0, 50_000]);
  assert.deepEqual(amounts(["ink", 3]), [0, 0, 0]);
  assert.deepEqual(amounts(), [0, 0, 0]);
});

test("an address is cleaned, and only what is wrong is asked again", () => {
  const checked = checkDelivery({ ...somewhere, name: "  지민 \n 킴 ", postcode: "6236" }, {});
  assert.deepEqual([checked.wrong, checked.delivery, checked.known.name], [["postcode"], undefined, "지민 킴"]);
  assert.deepEqual(
    deliveryForm("en", checked.known).fields.map(({ id }) => id),
    ["postcode"],
  );
  assert.deepEqual(checkDelivery({ postcode: "06236" }, checked.known).delivery, { ...somewhere, name: "지민 킴" });
  const { detail: _detail, ...withoutDetail } = somewhere;
  assert.equal(checkDelivery(withoutDetail, {}).delivery?.detail, "");
  for (const [field, values] of Object.entries({
    name: [" ", "x".repeat(31), "\u0958".repeat(30)],
    phone: ["", "1234567", "0".repeat(20), "010-1234-abcd"],
    postcode: ["0623", "062367", "０６２３６"],
    address: [" \n "],
    detail: ["x".repeat(41)],
  }))
    for (const value of values) assert.deepEqual(checkDelivery({ ...somewhere, [field]: value }, {}).wrong, [field]);
});

test("a catalogue that could not be shown is refused at the start", () => {
  const [product] = products as [Product];
  checkProducts(Array.from({ length: 9 }, (_, index) => ({ ...product, sku: `sku-${index}` })));
  for (const catalogue of [
    [],
    Array.from({ length: 10 }, (_, index) => ({ ...product, sku: `sku-${index}` })),
    [product, product],
    [{ ...product, sku: "two words" }],
    [{ ...product, price: 9.5 }],
    [{ ...product, price: 0 }],
    [{ ...product, title: { ko: "가".repeat(21), en: "A" } }],
    [{ ...product, description: { ko: "가", en: "" } }],
  ])
    assert.throws(() => checkProducts(catalogue), RangeError);
});
