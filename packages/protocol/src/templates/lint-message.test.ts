/** Each warning at its number and one beyond, with its path; and none for another target. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createValidator } from "../validator.ts";
import { checkMessage } from "./check-message.ts";
import { MessageBodySchema, type MessageBody } from "./envelope.ts";
import { lintMessage, lintMessages, lintTargets, type LintTarget } from "./lint-message.ts";

const validator = createValidator<MessageBody>(MessageBodySchema);
const url = "https://a.example/x.png";
const say = (length: number): string => "가".repeat(length);

function message(content: unknown, more: object = {}): MessageBody {
  const body = validator.check({ content, altText: "x", ...more });
  assert.equal(checkMessage(body), undefined, "only what may be sent is linted");
  return body;
}

const paths = (target: LintTarget, content: unknown, more?: object): string[] => lintMessage(message(content, more), target).map(({ path }) => path);

/** At the number there is no warning, one beyond there is this one, and only this one. */
function edge(target: LintTarget, path: string, at: unknown, beyond: unknown, more: readonly [object?, object?] = []): void {
  assert.deepEqual(paths(target, at, more[0]), [], `${target} ${path} at the number`);
  const [warning, ...others] = lintMessage(message(beyond, more[1] ?? more[0]), target);
  assert.deepEqual([warning?.target, warning?.path, others], [target, path, []]);
  assert.ok(warning?.message.startsWith(`${path} `) && warning.message.endsWith("."), warning?.message);
}

let id = 0;
const button = (length = 2, more: object = {}): object => ({ type: "postback", id: `b${id++}`, label: say(length), ...more });
const buttons = (count: number, length = 2): object[] => Array.from({ length: count }, () => button(length));
const card = (more: object): object => ({ type: "card", title: "t", ...more });
const quick = (count: number, length = 2): object => ({ quickReplies: buttons(count, length).map((action) => ({ action })) });

test("[T12] kakao: labels, quick replies, rows, lists, currency", () => {
  edge("kakao", "/content/buttons/0/label", card({ buttons: [button(14)] }), card({ buttons: [button(15)] }));
  const wide = (length: number): object => card({ layout: "horizontal", buttons: [button(2), button(length)] });
  edge("kakao", "/content/buttons/1/label", wide(8), wide(9));
  edge("kakao", "/content/buttons/0/label", card({ layout: "horizontal", buttons: [button(14)] }), card({ layout: "horizontal", buttons: [button(15)] }));
  const inCarousel = (length: number): object => ({ type: "carousel", items: [card({}), wide(length)] });
  edge("kakao", "/content/items/1/buttons/1/label", inCarousel(8), inCarousel(9));
  const confirm = (length: number): object => ({ type: "confirm", text: "?", actions: [button(2), button(length)] });
  edge("kakao", "/content/actions/1/label", confirm(8), confirm(9));
  const text = { type: "text", text: "x" };
  edge("kakao", "/quickReplies", text, text, [quick(10), quick(11)]);
  edge("kakao", "/quickReplies/0/action/label", text, text, [quick(1, 14), quick(1, 15)]);
  const rows = (length: number): object => ({
    type: "details",
    rows: [
      { label: "l", value: "v" },
      { label: say(length), value: "v" },
    ],
  });
  edge("kakao", "/content/rows/1/label", rows(6), rows(7));
  const summary = (length: number): object => ({ type: "details", rows: [{ label: "l", value: "v" }], summary: { label: say(length), value: "v" } });
  edge("kakao", "/content/summary/label", summary(6), summary(7));
  const list = (count: number): object => ({ type: "list", header: "h", items: Array.from({ length: count }, () => ({ title: "t" })) });
  edge("kakao", "/content/items", list(5), list(6));
  const commerce = (currency: string): object => ({ type: "commerce", title: "t", price: 1, currency });
  edge("kakao", "/content/currency", commerce("KRW"), commerce("USD"));
  const receipt = (currency: string): object => ({ type: "receipt", orderNumber: "1", currency, summary: { total: 1 } });
  edge("kakao", "/content/currency", receipt("KRW"), receipt("USD"));
  // What is heard and not seen may be longer.
  assert.deepEqual(paths("kakao", card({ defaultAction: button(40) })), []);
});

test("[T12] kakao: three messages at once", () => {
  const text = message({ type: "text", text: "x" });
  for (const target of lintTargets) assert.deepEqual(lintMessages([text, text, text], target), []);
  const four = [text, text, text, text];
  assert.deepEqual(
    lintTargets.flatMap((target) => lintMessages(four, target)).map(({ target, path, message: sentence }) => [target, path, sentence.startsWith(path)]),
    [["kakao", "/3", true]],
  );
  const [found] = lintMessages([text, message(card({ buttons: [button(15)] }))], "kakao");
  assert.deepEqual([found?.path, found?.message.startsWith("/1/content/buttons/0/label has 15")], ["/1/content/buttons/0/label", true]);
});

test("[T12] line: titles, texts, carousels, files, quick replies", () => {
  edge("line", "/content/title", card({ title: say(40) }), card({ title: say(41) }));
  edge("line", "/content/text", card({ text: say(60) }), card({ text: say(61) }));
  const beside = (length: number): object => ({ type: "card", thumbnail: { url }, text: say(length) });
  edge("line", "/content/text", beside(60), beside(61));
  edge("line", "/content/text", { type: "card", text: say(160) }, { type: "card", text: say(161) });
  const carousel = (...items: object[]): object => ({ type: "carousel", items });
  edge("line", "/content/items/1/title", carousel(card({}), card({ title: say(40) })), carousel(card({}), card({ title: say(41) })));
  const many = (count: number): object => carousel(...Array.from({ length: count }, () => card({})));
  edge("line", "/content/items", many(10), many(11));
  const counted = (...counts: number[]): object => carousel(...counts.map((count) => card({ buttons: buttons(count) })));
  edge("line", "/content/items/1/buttons", counted(2, 2), counted(2, 1));
});

test("[T12] line: files and quick replies", () => {
  const text = { type: "text", text: "x" };
  edge("line", "/content/type", text, { type: "file", url, name: "x" });
  edge("line", "/quickReplies/0/action/label", text, text, [quick(1, 20), quick(1, 21)]);
});

test("[T12] messenger: titles and subtitles, buttons, labels, elements", () => {
  edge("messenger", "/content/text", card({ text: say(80) }), card({ text: say(81) }));
  const beside = (length: number): object => ({ type: "card", thumbnail: { url }, text: say(length) });
  edge("messenger", "/content/text", beside(80), beside(81));
  assert.deepEqual(paths("messenger", { type: "card", text: say(640) }), [], "a button template");
  const details = (length: number): object => ({ type: "details", rows: [{ label: "l", value: "v" }], title: say(length) });
  edge("messenger", "/content/title", details(80), details(81));
  const list = (length: number): object => ({ type: "list", header: "h", items: [{ title: "t", description: say(length) }] });
  edge("messenger", "/content/items/0/description", list(80), list(81));
  const receipt = (length: number): object => ({
    type: "receipt",
    orderNumber: "1",
    currency: "USD",
    summary: { total: 1 },
    items: [{ title: "t", subtitle: say(length), price: 1 }],
  });
  edge("messenger", "/content/items/0/subtitle", receipt(80), receipt(81));
  edge("messenger", "/content/buttons", card({ buttons: buttons(3) }), card({ buttons: buttons(4) }));
  edge("messenger", "/content/buttons/0/label", card({ buttons: [button(20)] }), card({ buttons: [button(21)] }));
  const text = { type: "text", text: "x" };
  edge("messenger", "/quickReplies/0/action/label", text, text, [quick(1, 20), quick(1, 21)]);
  const many = (count: number): object => ({ type: "carousel", items: Array.from({ length: count }, () => card({})) });
  edge("messenger", "/content/items", many(10), many(11));
});

test("[T12] telegram: a postback's data in bytes, as a text and as an object", () => {
  const data = (value: unknown): object => card({ buttons: [button(2, { data: value })] });
  edge("telegram", "/content/buttons/0/data", data("x".repeat(64)), data("x".repeat(65)));
  edge("telegram", "/content/buttons/0/data", data(say(21)), data(say(22)));
  edge("telegram", "/content/buttons/0/data", data({ a: "x".repeat(56) }), data({ a: "x".repeat(57) }));
  const datetime = (value: string): object => card({ buttons: [{ type: "datetime", mode: "date", id: "d", label: "l", data: value }] });
  edge("telegram", "/content/buttons/0/data", datetime("x".repeat(64)), datetime("x".repeat(65)));
  const text = { type: "text", text: "x" };
  const reply = (length: number): object => ({ quickReplies: [{ action: button(2, { data: "x".repeat(length) }) }] });
  edge("telegram", "/quickReplies/0/action/data", text, text, [reply(64), reply(65)]);
});
