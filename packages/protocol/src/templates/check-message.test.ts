/** Rules across the fields of a message: what is taken, and what is refused with path and advice, from the same set-up. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createValidator } from "../validator.ts";
import type { Action } from "./actions.ts";
import { checkEdit, checkMessage, needsAltText } from "./check-message.ts";
import { isCurrency } from "./currencies.ts";
import { MessageBodySchema, type MessageBody } from "./envelope.ts";
import { findAction } from "./find-action.ts";
import { checkMenu, checkSlashCommands } from "./menu.ts";

const validator = createValidator<MessageBody>(MessageBodySchema);
const url = "https://a.example/x.png";

function message(content: unknown, more: object = {}): MessageBody {
  return validator.check({ content, altText: "in words", ...more });
}

const takes = (content: unknown, more?: object): void => assert.equal(checkMessage(message(content, more)), undefined, JSON.stringify(content).slice(0, 300));

function refuses(content: unknown, path: string, advice: RegExp, more?: object): void {
  const found = checkMessage(message(content, more));
  assert.ok(found !== undefined, `taken: ${JSON.stringify(content).slice(0, 300)}`);
  assert.equal(found.path, path);
  assert.ok(found.message.startsWith(`${path} `) && found.message.endsWith("."), found.message);
  assert.match(found.message, advice);
}

const postback = (id: string): Action => ({ type: "postback", id, label: id, data: id });
const button = (more: object): object => ({ type: "card", title: "t", buttons: [{ id: "a", label: "a", ...more }] });

describe("envelope", () => {
  test("[T2] structured messages need altText, texts and media do not", () => {
    const card = { content: { type: "card", title: "t" } };
    const { path, message: sentence } = checkMessage(validator.check(card)) ?? {};
    assert.equal(path, "/altText");
    assert.match(sentence ?? "", /a card needs one of at most 400 characters/);
    assert.equal(checkMessage(validator.check({ ...card, altText: "x" })), undefined);
    for (const content of [
      { type: "text", text: "x" },
      { type: "image", url },
      { type: "location", latitude: 0, longitude: 0 },
    ])
      assert.equal(checkMessage(validator.check({ content })), undefined);
    const plain = ["text", "image", "video", "audio", "file", "location", "bytes"] as const;
    assert.deepEqual(plain.filter(needsAltText), []);
  });

  test("[T3] the ids of all actions of a message differ, quick replies included", () => {
    const quick = (id: string): object => ({ quickReplies: [{ action: postback("q") }, { action: postback(id) }] });
    takes({ type: "text", text: "x" }, quick("r"));
    refuses({ type: "text", text: "x" }, "/quickReplies/1/action/id", /is the id of \/quickReplies\/0\/action already/, quick("q"));
    const card = { type: "card", title: "t", defaultAction: postback("d"), buttons: [postback("a"), postback("b")] };
    takes(card, quick("c"));
    refuses(card, "/quickReplies/1/action/id", /of its own/, quick("b"));
    refuses({ ...card, buttons: [postback("a"), postback("a")] }, "/content/buttons/1/id", /of \/content\/buttons\/0 already/);
    refuses({ ...card, buttons: [postback("d")] }, "/content/buttons/0/id", /of \/content\/defaultAction already/);
    refuses({ type: "confirm", text: "?", actions: [postback("a"), postback("a")] }, "/content/actions/1/id", /of its own/);
    const items = (id: string): object[] => [
      { title: "1", action: postback("a") },
      { title: "2", action: postback(id) },
    ];
    takes({ type: "list", header: "h", items: items("b"), buttons: [postback("c")] });
    refuses({ type: "list", header: "h", items: items("a") }, "/content/items/1/action/id", /of its own/);
    refuses({ type: "list", header: "h", items: items("b"), buttons: [postback("b")] }, "/content/buttons/0/id", /of its own/);
    const cards = (id: string): object => ({ type: "carousel", items: ["a", id].map((each) => ({ type: "card", title: "t", buttons: [postback(each)] })) });
    takes(cards("b"));
    refuses(cards("a"), "/content/items/1/buttons/0/id", /of its own/);
    const form = { type: "form", title: "t", fields: [{ id: "a", kind: "text", label: "l" }] };
    takes(form, quick("a"));
    refuses(form, "/quickReplies/1/action/id", /the form's own button/, quick("submit"));
  });

  test("[T1] a structured message is at most 64 KiB as JSON", () => {
    // Escaped, a control character is six bytes of JSON and one of MessagePack.
    const list = (character: string): object => ({
      type: "carousel",
      items: Array.from({ length: 12 }, () => ({ type: "card", title: "t", text: character.repeat(640), thumbnail: { url: `${url}?${"x".repeat(1_900)}` } })),
    });
    takes(list("a"));
    refuses(list("\u0001"), "/content", /bytes as JSON; at most 65536 are taken, so split it/);
  });
});

describe("an edit", () => {
  test("[T3] the ids of its actions differ, and differ from the quick replies that the message keeps", () => {
    const beside = { altText: "x", quickReplies: ["q", "r"].map((id) => ({ action: postback(id) })) };
    const card = (...ids: readonly string[]): MessageBody["content"] => message({ type: "card", title: "t", buttons: ids.map(postback) }).content;
    assert.equal(checkEdit(card("a", "b"), beside), undefined);
    assert.equal(checkEdit(card("a", "q"), {}), undefined, "a message without quick replies");
    for (const [content, path, advice] of [
      [card("a", "a"), "/content/buttons/1/id", /of \/content\/buttons\/0 already/],
      [card("a", "r"), "/content/buttons/1/id", /of the message's quick reply 1 already/],
    ] as const) {
      const found = checkEdit(content, beside);
      assert.equal(found?.path, path);
      assert.match(found.message, advice);
    }
  });

  test("[T1] with what stands beside it, it is at most 65,536 bytes as JSON", () => {
    const beside = { altText: "in words", quickReplies: [{ action: postback("q") }] };
    const content = (length: number): MessageBody["content"] =>
      message({
        type: "carousel",
        // Escaped, a control character is six bytes of JSON, and every item may have 640 of them.
        items: Array.from({ length: 12 }, (_, index) => ({
          type: "card",
          text: "\u0001".repeat(640),
          thumbnail: { url: `${url}?${"x".repeat(index === 11 ? length : 1_600)}` },
        })),
      }).content;
    const bytes = (length: number): number => Buffer.byteLength(JSON.stringify({ ...beside, content: content(length) }));
    const most = 65_536 - bytes(1) + 1;
    assert.equal(bytes(most), 65_536);
    assert.equal(checkEdit(content(most), beside), undefined);
    const found = checkEdit(content(most + 1), beside);
    assert.deepEqual([found?.path, found?.message.includes("65537 bytes as JSON")], ["/content", true]);
    assert.equal(checkEdit(content(most + 1), { altText: "in words" }), undefined, "with less beside it");
  });
});

describe("actions", () => {
  test("[T3] times fit their mode, exist, and min ≤ initial ≤ max", () => {
    const datetime = (mode: string, times: object): object => button({ type: "datetime", mode, ...times });
    takes(datetime("date", { min: "2024-02-29", initial: "2026-01-01", max: "2026-01-01" }));
    takes(datetime("time", { min: "00:00", max: "23:59" }));
    takes(datetime("datetime", { min: "2026-03-01T09:30", max: "2026-03-01T09:30" }));
    const at = "/content/buttons/0";
    refuses(datetime("date", { min: "2023-02-29" }), `${at}/min`, /date that exists, like 2026-03-01/);
    refuses(datetime("date", { max: "2026-13-01" }), `${at}/max`, /date that exists/);
    refuses(datetime("date", { min: "2026-04-31" }), `${at}/min`, /date that exists/);
    refuses(datetime("time", { min: "24:00" }), `${at}/min`, /time that exists, like 09:30/);
    refuses(datetime("time", { min: "2026-03-01" }), `${at}/min`, /time that exists/);
    refuses(datetime("datetime", { initial: "2026-03-01" }), `${at}/initial`, /datetime that exists, like 2026-03-01T09:30/);
    refuses(datetime("datetime", { initial: "2026-03-01T09:60" }), `${at}/initial`, /datetime that exists/);
    refuses(datetime("time", { min: "10:00", max: "09:59" }), `${at}/max`, /exchange them/);
    refuses(datetime("time", { min: "10:00", initial: "09:59" }), `${at}/initial`, /before min/);
    refuses(datetime("time", { initial: "10:00", max: "09:59" }), `${at}/initial`, /after max/);
  });

  test("[T1] data is a text of 1,000 code points or an object of 4 KiB", () => {
    const refusedAt = (content: unknown): string | undefined => {
      try {
        validator.check({ content, altText: "x" });
      } catch (error) {
        return (error as { path?: string }).path;
      }
      return undefined;
    };
    const data = (value: unknown): object => button({ type: "postback", data: value });
    takes(data("가".repeat(1_000)));
    takes(data({ a: "x".repeat(4_096 - 8) }));
    for (const value of ["가".repeat(1_001), { a: "x".repeat(4_096 - 7) }, 5, null, [1], { a: Number.NaN }])
      assert.equal(refusedAt(data(value)), "/content/buttons/0/data");
    takes({ type: "custom", kind: "k", data: { a: "x".repeat(8_192 - 8) } });
    for (const value of [{ a: "x".repeat(8_192 - 7) }, "x", []]) assert.equal(refusedAt({ type: "custom", kind: "k", data: value }), "/content/data");
    for (const kind of ["", "a b", ".a", "가", "x".repeat(65)]) assert.equal(refusedAt({ type: "custom", kind, data: {} }), "/content/kind");
    for (const phone of ["12", "+82 2-1234-5678", "1588-1234", "(02) 123".replace("(", "0(")]) takes(button({ type: "call", phone }));
    for (const phone of ["1", "+", "call me", "12;ext=5", "1".repeat(33)]) assert.equal(refusedAt(button({ type: "call", phone })), "/content/buttons/0/phone");
  });
});

describe("content", () => {
  test("[T4] a card has something to show, and a thumbnail or a video", () => {
    for (const card of [{ title: "t" }, { text: "t" }, { thumbnail: { url } }, { video: { url } }]) takes({ type: "card", ...card });
    refuses({ type: "card", buttons: [postback("a")] }, "/content", /title, a text or a thumbnail/);
    refuses({ type: "card", thumbnail: { url }, video: { url } }, "/content/video", /one of the two/);
  });

  test("[T4] a price has a currency of ISO 4217, and a discount in one of two ways", () => {
    const commerce = (more: object): object => ({ type: "commerce", title: "t", price: 1_000, currency: "KRW", ...more });
    takes(commerce({}));
    takes(commerce({ discount: 1_000 }));
    takes(commerce({ discountRate: 100, discountedPrice: 0 }));
    takes(commerce({ discountRate: 12.5, discountedPrice: 875 }));
    refuses(commerce({ currency: "KRX" }), "/content/currency", /ISO 4217/);
    refuses(commerce({ discount: 100, discountRate: 10, discountedPrice: 900 }), "/content/discount", /either discount, or those two/);
    refuses(commerce({ discount: 100, discountedPrice: 900 }), "/content/discount", /either/);
    refuses(commerce({ discountRate: 10 }), "/content/discountedPrice", /is missing/);
    refuses(commerce({ discountedPrice: 900 }), "/content/discountRate", /is missing/);
    refuses(commerce({ discount: 1_001 }), "/content/discount", /more than the price/);
    refuses(commerce({ discountRate: 0, discountedPrice: 1_001 }), "/content/discountedPrice", /more than the price/);
    for (const code of ["KRW", "USD", "EUR", "JPY", "XCG"]) assert.ok(isCurrency(code), code);
    for (const code of ["krw", "HRK", "XXX", "", "KRW "]) assert.ok(!isCurrency(code), code);
  });

  test("[T4] details have a head or a profile, and title and description of 200 together", () => {
    const details = (more: object): object => ({ type: "details", rows: [{ label: "l", value: "v" }], ...more });
    takes(details({ head: "h", title: "가".repeat(100), description: "나".repeat(100) }));
    takes(details({ profile: { name: "n" }, description: "나".repeat(200) }));
    refuses(details({ head: "h", profile: { name: "n" } }), "/content/profile", /one of the two/);
    refuses(details({ title: "가".repeat(100), description: "나".repeat(101) }), "/content/description", /at most 200 characters together/);
  });

  test("[T4] the total of a receipt is what its summary says", () => {
    const receipt = (summary: object, more: object = {}): object => ({ type: "receipt", orderNumber: "1", currency: "USD", summary, ...more });
    takes(receipt({ total: 5 }));
    takes(receipt({ shipping: 100, total: 5 }));
    takes(
      receipt(
        { subtotal: 7_500, shipping: 495, tax: 619, total: 5_614 },
        {
          adjustments: [
            { name: "a", amount: 2_000 },
            { name: "b", amount: 1_000 },
          ],
        },
      ),
    );
    refuses(receipt({ subtotal: 7_500, shipping: 495, tax: 619, total: 5_614 }), "/content/summary/total", /leave out subtotal, or correct it/);
    refuses({ ...receipt({ total: 5 }), currency: "AAA" }, "/content/currency", /ISO 4217/);
  });

  test("[T5] the items of a carousel are of one type, of one ratio, and have three buttons at most", () => {
    const carousel = (...items: object[]): object => ({ type: "carousel", items });
    const card = (more: object = {}): object => ({ type: "card", title: "t", ...more });
    const image = (ratio?: string): object => ({ type: "image", url, ...(ratio === undefined ? {} : { ratio }) });
    takes(carousel(card(), card({ thumbnail: { url, ratio: "1:1" } }), card({ thumbnail: { url, ratio: "1:1" } })));
    takes(carousel(image(), image("2:1")));
    takes(carousel({ type: "list", header: "h", items: [{ title: "t" }] }, { type: "list", header: "i", items: [{ title: "t" }] }));
    refuses(carousel(card(), image()), "/content/items/1/type", /of one type/);
    refuses(carousel(card({ thumbnail: { url } }), card(), card({ thumbnail: { url, ratio: "1:1" } })), "/content/items/2/thumbnail/ratio", /one ratio/);
    refuses(carousel(image("1.51:1"), image("1:1")), "/content/items/1/ratio", /one ratio/);
    const buttons = (count: number, from: string): Action[] => Array.from({ length: count }, (_, index) => postback(`${from}${index}`));
    takes(carousel(card({ buttons: buttons(3, "a") }), card({ buttons: buttons(3, "b") })));
    refuses(carousel(card(), card({ buttons: buttons(4, "a") })), "/content/items/1/buttons", /at most 3/);
    refuses(carousel(card(), { type: "card" }), "/content/items/1", /title, a text or a thumbnail/);
    refuses(carousel({ type: "commerce", title: "t", price: 1, currency: "ABC" }), "/content/items/0/currency", /ISO 4217/);
  });

  test("[T6] areas lie inside of baseSize", () => {
    const map = (area: object): object => ({
      type: "imagemap",
      image: url,
      baseSize: { width: 100, height: 50 },
      areas: [
        { x: 0, y: 0, width: 1, height: 1, action: postback("a") },
        { x: 60, y: 20, width: 40, height: 30, action: postback("b"), ...area },
      ],
    });
    takes(map({}));
    for (const area of [{ x: 61 }, { width: 41 }, { y: 21 }, { height: 31 }]) refuses(map(area), "/content/areas/1", /beyond baseSize, which is 100 × 50/);
    refuses(map({ action: postback("a") }), "/content/areas/1/action/id", /of its own/);
  });

  test("[T7] a form's fields have ids of their own, and options where there is a choice", () => {
    const form = (...fields: object[]): object => ({
      type: "form",
      title: "t",
      fields: fields.map((field, index) => ({ id: `f${index}`, label: "l", ...field })),
    });
    const options = [
      { value: "1", label: "x" },
      { value: "2", label: "x" },
    ];
    takes(
      form(
        { kind: "text", maxLength: 1 },
        { kind: "textarea", maxLength: 5_000 },
        { kind: "select", options },
        { kind: "multiselect", options },
        { kind: "checkbox" },
      ),
    );
    refuses(form({ kind: "text" }, { kind: "text", id: "f0" }), "/content/fields/1/id", /of its own/);
    for (const kind of ["select", "multiselect"]) refuses(form({ kind }), "/content/fields/0/options", /is missing/);
    for (const kind of ["text", "textarea", "email", "number", "date", "time", "checkbox"])
      refuses(form({ kind, options }), "/content/fields/0/options", /only select and multiselect/);
    for (const kind of ["email", "number", "date", "time", "checkbox"])
      refuses(form({ kind, maxLength: 5 }), "/content/fields/0/maxLength", /only text and textarea/);
    refuses(form({ kind: "select", options: [...options, { value: "1", label: "y" }] }), "/content/fields/0/options/2/value", /of its own/);
  });

  test("[T4] an album's index is below its total", () => {
    takes({ type: "image", url, album: { id: "a", index: 1, total: 2 } });
    refuses({ type: "image", url, album: { id: "a", index: 2, total: 2 } }, "/content/album/index", /below total/);
  });
});

test("[T3] an action is found wherever it stands, and a form's own button under submit", () => {
  const quickReplies = [{ action: postback("q") }];
  const card = { type: "card", title: "t", defaultAction: postback("d"), buttons: [postback("b")] } as const;
  const area = { x: 0, y: 0, width: 1, height: 1 };
  const contents: readonly (readonly [unknown, readonly string[]])[] = [
    [{ type: "text", text: "x" }, []],
    [card, ["d", "b"]],
    [{ type: "confirm", text: "?", actions: [postback("y"), postback("n")] }, ["y", "n"]],
    [{ type: "commerce", title: "t", price: 1, currency: "KRW", buttons: [postback("b")] }, ["b"]],
    [{ type: "list", header: "h", items: [{ title: "t", action: postback("i") }, { title: "u" }], buttons: [postback("b")] }, ["i", "b"]],
    [{ type: "details", rows: [{ label: "l", value: "v" }], buttons: [postback("b")] }, ["b"]],
    [{ type: "carousel", items: [card] }, ["d", "b"]],
    [{ type: "carousel", items: [{ type: "image", url, action: postback("i") }] }, ["i"]],
    [{ type: "imagemap", image: url, baseSize: { width: 1, height: 1 }, areas: [{ ...area, action: postback("m") }] }, ["m"]],
  ];
  for (const [content, ids] of contents) {
    const body = message(content, { quickReplies });
    for (const id of [...ids, "q"]) assert.equal(findAction(body, id)?.id, id, JSON.stringify(content));
    for (const id of ["x", "", "submit"]) assert.equal(findAction(body, id), undefined);
  }
  const form = { type: "form", title: "t", fields: [{ id: "f", kind: "text", label: "l" }], submitLabel: "go", once: true, expiresAt: 5 };
  assert.deepEqual(findAction(message(form), "submit"), { type: "submit", id: "submit", label: "go", once: true, expiresAt: 5 });
  assert.equal(findAction(message(form), "f"), undefined);
  assert.equal(findAction({ content: { type: "deleted" } }, "q"), undefined);
});

test("[T9] a menu has ids of its own and areas inside of its image; slash commands have names of their own", () => {
  const area = { x: 0, y: 0, width: 10, height: 10 };
  assert.equal(checkMenu({ type: "list", barText: "메뉴", rows: [[postback("a"), postback("b")], [postback("c")]] }), undefined);
  assert.equal(checkMenu({ type: "list", barText: "메뉴", rows: [[postback("a")], [postback("a")]] })?.path, "/rows/1/0/id");
  const image = { type: "image", barText: "메뉴", image: url, baseSize: { width: 10, height: 10 } } as const;
  assert.equal(checkMenu({ ...image, areas: [{ ...area, action: postback("a") }] }), undefined);
  assert.equal(checkMenu({ ...image, areas: [{ ...area, x: 1, action: postback("a") }] })?.path, "/areas/0");
  assert.equal(
    checkSlashCommands([
      { name: "도움말", description: "d" },
      { name: "help", description: "d" },
    ]),
    undefined,
  );
  assert.equal(
    checkSlashCommands([
      { name: "help", description: "d" },
      { name: "help", description: "e" },
    ])?.path,
    "/1/name",
  );
});
