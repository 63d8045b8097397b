/** Customers of the shop, in one process with it: what they see, what is ordered, and what is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestGroup, say } from "@suda/testing";
import type { OrderBook } from "./order-book.ts";
import { products, type Product } from "./products.ts";
import { Shop, somewhere, textsOf } from "./test/shop.ts";

const withoutRuler = products.filter(({ sku }) => sku !== "ruler");
const dearer = products.map((product): Product => ({ ...product, price: product.price * 2 }));

test("an order from the first word to the receipt, with buttons that work once", async () => {
  await using shop = await Shop.open();
  await using _bot = await shop.start();
  await shop.say("hello");
  assert.match(await shop.nextText(), /Welcome/);
  const goods = await shop.next("carousel");
  assert.equal(goods.content.items.length, products.length);

  // The cart stands below the goods and changes in place.
  await shop.tap(goods.seq, "add-notes");
  const cart = await shop.nextCart();
  assert.deepEqual(cart.content.summary, { label: "Total", value: "₩21,000" });
  await shop.tap(goods.seq, "add-pens");
  await shop.tap(goods.seq, "add-pens");
  const edited = await shop.customer.event("message.edited", ({ content }) => textsOf({ content }).includes("₩39,000"));
  assert.equal(edited.target, cart.seq);
  assert.equal((await shop.customer.event("interaction.answered", ({ toast }) => toast.includes("gel pens: 2"))).from, "order");

  // A wrong address is the server's to refuse, and the form is still there for a right one.
  await shop.tap(cart.seq, "checkout");
  const form = await shop.next("form");
  const { address: _address, ...withoutAddress } = somewhere;
  for (const [value, path] of [
    [withoutAddress, "/value/address"],
    [{ ...somewhere, address: "" }, "/value/address"],
    [{ ...somewhere, address: "x".repeat(91) }, "/value/address"],
    [{ ...somewhere, postcode: 6_236 }, "/value/postcode"],
    [{ ...somewhere, planet: "Mars" }, "/value/planet"],
  ] as const) {
    const answer = await shop.customer.answer({ type: "interaction.tap", conversation: shop.id, target: form.seq, action: "submit", clientId: path, value });
    assert.deepEqual(answer.type === "error" && [answer.code, answer.path], ["frame.invalid", path]);
  }
  // What a field cannot say is the bot's, which asks for that alone.
  await shop.tap(form.seq, "submit", { ...somewhere, postcode: "1234", phone: "12" });
  assert.match(await shop.nextText(), /telephone number .*\n.*postcode/);
  const again = await shop.next("form");
  assert.deepEqual(
    again.content.fields.map(({ id }) => id),
    ["phone", "postcode"],
  );
  await shop.tap(again.seq, "submit", { phone: somewhere.phone, postcode: somewhere.postcode });

  const summary = await shop.next("details", ({ head }) => head === "Your order");
  assert.match(textsOf(summary), /\(06236\) 서울 강남구 테헤란로 1, 101호/);
  const question = await shop.next("confirm");
  assert.match(question.content.text, /₩39,000/);
  assert.doesNotMatch(`${summary.altText} ${question.altText}`, /06236|010-/);
  const first = await shop.tap(question.seq, "order");
  const second = await shop.tap(question.seq, "order");
  assert.deepEqual([second.used, second.seq], [true, first.seq]);
  await shop.workedOff();

  const [receipt, ...others] = await shop.receipts();
  assert.deepEqual(others, []);
  assert.deepEqual(receipt?.items, [
    { title: "Three notebooks", quantity: 1, price: 18_000 },
    { title: "Five gel pens", quantity: 2, price: 18_000 },
  ]);
  assert.deepEqual([receipt?.currency, receipt?.recipient, receipt?.summary], ["KRW", "지민", { subtotal: 36_000, shipping: 3_000, total: 39_000 }]);
  const [order, ...otherOrders] = await shop.placed();
  assert.deepEqual(otherOrders, []);
  assert.equal(order?.number, receipt?.orderNumber);
  assert.equal(order?.customer, "bob");

  // It is over: what is pressed now orders nothing.
  await shop.tap(question.seq, "not-yet");
  assert.match(await shop.nextText(), /not open any more/);
  await shop.tap(cart.seq, "checkout");
  assert.match(await shop.nextText(), /empty/);
  await shop.tap(form.seq, "submit", somewhere).then(({ used }) => assert.equal(used, true));
  await shop.say("/cart");
  assert.match(await shop.nextText(), /empty/);
  assert.deepEqual([(await shop.placed()).length, shop.problems, await shop.suda.failures()], [1, [], 0]);
});

test("in Korean too, from the goods to the receipt", async () => {
  await using shop = await Shop.open();
  await using _bot = await shop.start();
  await shop.say("안녕하세요");
  assert.match(await shop.nextText(), /환영해요/);
  const goods = await shop.next("carousel");
  assert.match(goods.altText ?? "", /손글씨 노트 3권 18,000원, 젤 펜 5자루 9,000원/);
  await shop.say("/담기 pens 3");
  const cart = await shop.nextCart();
  assert.deepEqual(cart.content.rows, [
    { label: "젤 펜 5자루", value: "3개 27,000원" },
    { label: "배송비", value: "3,000원" },
  ]);
  await shop.tap(cart.seq, "checkout");
  const form = await shop.next("form");
  assert.deepEqual(
    form.content.fields.map(({ label }) => label),
    ["받는 분", "전화번호", "우편번호", "주소", "상세 주소"],
  );
  await shop.tap(form.seq, "submit", { ...somewhere, postcode: "abc" });
  assert.equal(await shop.nextText(), "우편번호는 숫자 다섯 자리예요. 예: 06236");
  await shop.tap((await shop.next("form")).seq, "submit", { postcode: "06236" });
  const question = await shop.next("confirm");
  assert.equal(question.content.text, "30,000원, 주문할까요? 결제는 받으실 때 해요.");
  await shop.tap(question.seq, "order");
  const receipt = await shop.next("receipt");
  assert.deepEqual([receipt.content.merchant, receipt.content.paymentMethod], ["수다 문구", "받을 때 결제"]);
  assert.match(receipt.altText ?? "", /^영수증 [0-9A-F-]{19}: 30,000원$/);
  // A number says nothing of a language.
  await shop.say("42");
  assert.match(await shop.nextText(), /환영해요/);
  assert.deepEqual(shop.problems, []);
});

test("what is not sold, or too many of it, comes into no cart", async () => {
  await using shop = await Shop.open();
  let bot = await shop.start();
  await shop.say("/shop");
  const goods = await shop.next("carousel");
  for (const text of ["/buy pens 0", "/buy pens 11", "/buy pens -1", "/buy pens 1.5", "/buy pens many"]) {
    await shop.say(text);
    assert.match(await shop.nextText(), /whole number from 1 to 10/);
  }
  for (const [text, said] of [
    ["/buy ink", /“ink” is not sold here. There is: notes, pens, ruler\./],
    ["/buy", /That is not sold here/],
    [`/buy ${"x".repeat(1_000)}`, /“x{32}” is not sold/],
    ["/담기 잉크 2", /“잉크” 상품은 팔지 않아요/],
  ] as const) {
    await shop.say(text);
    assert.match(await shop.nextText(), said);
  }
  await shop.say("/buy pens 9");
  const cart = await shop.nextCart();
  await shop.tap(goods.seq, "add-pens");
  await shop.customer.event("interaction.answered", ({ toast }) => toast.includes(": 10 in"));
  await shop.tap(goods.seq, "add-pens");
  await shop.customer.event("interaction.answered", ({ toast }) => toast === "At most 10 of each.");
  await shop.say("/buy pens 2");
  assert.equal(await shop.nextText(), "At most 10 of each.");
  await shop.tap(cart.seq, "empty");
  await shop.customer.event("message.edited", ({ content }) => textsOf({ content }).includes('"empty"'));

  // The next life sells no rulers, and an old carousel still shows one.
  await bot[Symbol.asyncDispose]();
  bot = await shop.start({ catalogue: withoutRuler });
  await using _bot = bot;
  await shop.tap(goods.seq, "add-ruler");
  assert.equal(await shop.nextText(), "“ruler” is not sold here. There is: notes, pens.");
  await shop.say("/cart");
  assert.match(await shop.nextText(), /empty/);
  assert.deepEqual(shop.problems, []);
});

test("a form and a question that are answered while the bot is away make one order when it is back", async () => {
  await using shop = await Shop.open();
  let form: number;
  {
    await using _bot = await shop.start();
    await shop.say("/buy notes 2");
    await shop.tap((await shop.nextCart()).seq, "checkout");
    form = (await shop.next("form")).seq;
  }
  await shop.tap(form, "submit", somewhere);
  let question: number;
  {
    await using _bot = await shop.start();
    question = (await shop.next("confirm", ({ text }) => text.includes("₩39,000"))).seq;
  }
  await shop.tap(question, "order");
  assert.deepEqual([await shop.receipts(), await shop.placed()], [[], []]);
  for (let life = 0; life < 2; life++) {
    await using _bot = await shop.start();
    await shop.workedOff();
    assert.equal((await shop.receipts()).length, 1);
    assert.equal((await shop.placed()).length, 1);
  }
  assert.deepEqual(shop.problems, []);
});

test("a bot that dies between the order and the receipt gives the receipt of that order, whatever it costs by then", async () => {
  await using shop = await Shop.open();
  let dies = (): void => {};
  const death = new Promise<void>((resolve) => (dies = resolve));
  const { orders } = shop;
  const dying: OrderBook = {
    find: (key) => orders.find(key),
    async place(order) {
      await orders.place(order);
      dies();
      throw new Error("The power is gone.");
    },
  };
  {
    await using _bot = await shop.start({ orders: dying, maxAttempts: 100 });
    await shop.tap(await shop.askedFor("notes"), "order");
    await death;
  }
  assert.deepEqual([(await shop.placed()).length, await shop.receipts()], [1, []]);
  await using _bot = await shop.start({ catalogue: dearer });
  assert.equal((await shop.next("receipt")).content.summary.total, 21_000);
  await shop.workedOff();
  assert.deepEqual([(await shop.placed()).length, (await shop.receipts()).length], [1, 1]);
  await shop.say("/cart");
  assert.match(await shop.nextText(), /empty/);
});

test("a tap that is handled a second time in the same life orders once", async () => {
  await using shop = await Shop.open();
  let failures = 1;
  const { orders } = shop;
  const faltering: OrderBook = {
    find: (key) => orders.find(key),
    async place(order) {
      const placed = await orders.place(order);
      if (failures-- > 0) throw new Error("The database has it and does not say so.");
      return placed;
    },
  };
  await using _bot = await shop.start({ orders: faltering });
  await shop.tap(await shop.askedFor("pens"), "order");
  // The next try comes a second after the first: the test's second, after however long the disk takes.
  for (let turn = 0; turn < 1_000 && (await shop.receipts()).length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (failures === 0) shop.suda.clock.advance(1_000);
  }
  const receipt = await shop.next("receipt");
  const [order] = await shop.placed();
  assert.equal(receipt.content.orderNumber, order?.number);
  await shop.workedOff();
  assert.deepEqual([(await shop.placed()).length, (await shop.receipts()).length, failures], [1, 1, 0]);
});

test("a question about another cart, or at another price, orders nothing", async () => {
  await using shop = await Shop.open();
  let bot = await shop.start();
  const earlier = await shop.askedFor("pens");
  await shop.say("/buy ruler");
  await shop.nextCart();
  await shop.tap(earlier, "order");
  assert.match(await shop.nextText(), /not open any more/);
  // Whoever writes instead of pressing is asked again, and the last question counts.
  const asked = await shop.askedFor("ruler");
  await shop.say("hm");
  const question = (await shop.next("confirm")).seq;
  await shop.tap(asked, "order");
  assert.match(await shop.nextText(), /not open any more/);

  await bot[Symbol.asyncDispose]();
  bot = await shop.start({ catalogue: dearer });
  await shop.tap(question, "order");
  assert.match(await shop.nextText(), /changed/);
  const anew = await shop.next("confirm", ({ text }) => text.includes("₩31,000"));
  assert.deepEqual(await shop.placed(), []);
  await shop.tap(anew.seq, "not-yet");
  assert.equal((await shop.nextCart()).content.summary?.value, "₩31,000");
  await shop.tap(anew.seq, "order");
  assert.match(await shop.nextText(), /not open any more/);

  const last = await shop.askedFor("ruler");
  await bot[Symbol.asyncDispose]();
  bot = await shop.start({ catalogue: products.filter(({ sku }) => sku === "notes") });
  await using _bot = bot;
  await shop.tap(last, "order");
  assert.match(await shop.nextText(), /changed/);
  assert.match(await shop.nextText(), /empty/);
  assert.deepEqual([await shop.placed(), await shop.receipts(), shop.problems], [[], [], []]);
});

test("a cart whose message is gone is shown anew", async () => {
  await using shop = await Shop.open();
  await using bot = await shop.start();
  await shop.say("/shop");
  const goods = await shop.next("carousel");
  await shop.tap(goods.seq, "add-pens");
  const cart = await shop.nextCart();
  await bot.request("message.delete", { conversation: shop.id, target: cart.seq });
  await shop.tap(goods.seq, "add-pens");
  const anew = await shop.nextCart();
  assert.deepEqual([anew.content.rows[0]?.value, anew.seq > cart.seq], ["2 × ₩9,000 = ₩18,000", true]);
  assert.deepEqual(shop.problems, []);
});

test("in a group it takes no orders, and says why to who asks", async () => {
  await using shop = await Shop.open();
  await using _bot = await shop.start();
  const group = await createTestGroup(shop.customer, ["order", "carol"]);
  for (const text of ["hello", "/shop", "/담기 pens 2"]) await say(shop.customer, group.id, text);
  assert.match(await shop.nextText(), /write to me directly/);
  assert.match(await shop.nextText(), /1:1 대화에서만/);
  const { events } = await shop.customer.request({ type: "history.get", conversation: group.id, after: 0, limit: 50 });
  assert.equal(events.filter((event) => event.from === "order" && event.type === "message.created").length, 2);
});
