/** Stored templates: filled in two languages, with everything that a value or a template can be wrong with. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SudaError } from "../errors.ts";
import { createValidator } from "../validator.ts";
import { fillTemplate, type TemplateValues } from "./fill-template.ts";
import { checkTemplate, StoredTemplateSchema, type StoredTemplate } from "./stored-template.ts";

const validator = createValidator<StoredTemplate>(StoredTemplateSchema);

const order = {
  id: "order-sent",
  version: 3,
  fallback: "ko",
  variables: {
    name: { type: "string", required: true, maxLength: 10 },
    total: { type: "integer", required: true },
    track: { type: "url", default: "https://shop.example.com/orders" },
    shop: { type: "string", default: "수다 문구" },
    note: { type: "string" },
  },
  locales: {
    ko: [
      { content: { type: "text", text: "{{name}}님, {{ shop }}에서 보냈어요.{{note}}" } },
      {
        content: { type: "receipt", orderNumber: "A-{{total}}", currency: "KRW", summary: { total: "{{total}}" } },
        altText: "모두 {{total}}원",
        quickReplies: [{ action: { type: "uri", id: "track", label: "배송 조회", uri: "{{track}}" } }],
      },
    ],
    en: [{ content: { type: "text", text: "{{name}}, it is on its way." } }],
  },
} as const;
const values = { name: "지민", total: 12_000 };

function refusal(template: unknown, given: TemplateValues): { path: string | undefined; message: string } {
  try {
    fillTemplate(validator.check(template), given);
  } catch (error) {
    assert.ok(error instanceof SudaError && error.code === "frame.invalid", String(error));
    return { path: error.path, message: error.message };
  }
  return assert.fail("it was filled");
}

const textTemplate = (text: string, variables: object, more: object = {}): object => ({
  id: "t",
  version: 1,
  fallback: "en",
  variables,
  locales: { en: [{ content: { type: "text", text, ...more } }] },
});

describe("filling a template", () => {
  test("[T11] texts are filled, a variable alone keeps its type, defaults stand in, what is optional is empty", () => {
    const { locale, messages } = fillTemplate(validator.check(order), { variables: values });
    assert.equal(locale, "ko");
    assert.deepEqual(messages, [
      { content: { type: "text", text: "지민님, 수다 문구에서 보냈어요." } },
      {
        content: { type: "receipt", orderNumber: "A-12000", currency: "KRW", summary: { total: 12_000 } },
        altText: "모두 12000원",
        quickReplies: [{ action: { type: "uri", id: "track", label: "배송 조회", uri: "https://shop.example.com/orders" } }],
      },
    ]);
  });

  test("[T11] the language asked for, its first part, else the fallback", () => {
    const locales = ["en", "en-GB", "EN_us", "ko-KR", "fr", "", undefined].map(
      (locale) => fillTemplate(validator.check(order), { variables: values, ...(locale === undefined ? {} : { locale }) }).locale,
    );
    assert.deepEqual(locales, ["en", "en", "en", "ko", "ko", "ko", "ko"]);
    const korean = { ...order, locales: { ko: order.locales.ko } };
    assert.equal(fillTemplate(validator.check(korean), { locale: "en", variables: values }).locale, "ko");
  });

  test("[T11] missing, unknown and wrong values are refused with their path", () => {
    assert.match(refusal(order, { variables: { total: 1 } }).message, /^\/variables\/name is missing; the template needs it\.$/);
    assert.equal(refusal(order, { variables: { ...values, nmae: "x" } }).path, "/variables/nmae");
    assert.equal(refusal(order, { variables: { ...values, constructor: "x" } }).path, "/variables/constructor");
    assert.equal(refusal(order, { variables: { ...values, "a/b": 1 } }).path, "/variables/a~1b");
    assert.equal(refusal(order, { variables: { ...values, name: "가".repeat(11) } }).path, "/variables/name");
    fillTemplate(validator.check(order), { variables: { ...values, name: "가".repeat(10) } });
    const cases: readonly (readonly [string, takes: readonly unknown[], refuses: readonly unknown[]])[] = [
      ["string", ["", "x".repeat(1_000)], ["x".repeat(1_001), 1, null, {}, ["x"], "\ud800"]],
      ["integer", [0, -5, Number.MAX_SAFE_INTEGER], [1.5, "1", Number.NaN, 2 ** 53, null]],
      ["number", [0.5, 1e300], ["0.5", Number.POSITIVE_INFINITY, true]],
      ["url", ["https://a.example/x"], ["http://a.example", "javascript:alert(1)", "https://a b", 5]],
      ["date", ["2026-02-28"], ["2026-02-29", "28.2.2026", 5]],
      ["time", ["23:59"], ["24:00"]],
      ["datetime", ["2026-02-28T23:59"], ["2026-02-28", "2026-02-28 23:59"]],
      ["timestamp", [0, 1_772_409_600_000], [-1, 1.5, "2026-02-28"]],
    ];
    for (const [type, takes, refuses] of cases) {
      const template = validator.check(textTemplate("x {{v}}", { v: { type, required: true } }));
      for (const v of takes) fillTemplate(template, { variables: { v } });
      for (const v of refuses) assert.equal(refusal(template, { variables: { v } }).path, "/variables/v", `${type} ${JSON.stringify(v)}`);
    }
  });

  test("[T11] a value is never looked into, and cannot change what the message is", () => {
    const variables = { v: { type: "string", required: true } };
    for (const v of ["{{v}}", "{{other}}", '"},"type":"card', "__proto__", "}}{{v}}"])
      assert.deepEqual(fillTemplate(validator.check(textTemplate("a {{v}} b", variables)), { variables: { v } }).messages, [
        { content: { type: "text", text: `a ${v} b` } },
      ]);
    const card = (button: object): object => ({
      ...textTemplate("", variables),
      locales: { en: [{ content: { type: "card", title: "t", buttons: [button] }, altText: "x" }] },
    });
    const button = { type: "message", id: "a", label: "l", text: "{{v}}" };
    fillTemplate(validator.check(card(button)), { variables: { v: "handoff" } });
    assert.equal(refusal(card({ ...button, type: "{{v}}" }), { variables: { v: "handoff" } }).path, "/locales/en/0/content/buttons/0/type");
    assert.equal(refusal(card({ ...button, "{{v}}": "x" }), { variables: { v: "once" } }).path, "/locales/en/0/content/buttons/0/{{v}}");
    assert.equal(
      refusal(card({ type: "request", id: "a", label: "l", kind: "{{v}}" }), { variables: { v: "photo" } }).path,
      "/locales/en/0/content/buttons/0/kind",
    );
  });

  test("[T11] what comes out is checked like a send, with the path of the message", () => {
    const variables = { v: { type: "string", required: true, maxLength: 5_000 } };
    const card = {
      ...textTemplate("", variables),
      locales: { en: [{ content: { type: "text", text: "x" } }, { content: { type: "card", title: "{{v}}" }, altText: "x" }] },
    };
    fillTemplate(validator.check(card), { variables: { v: "가".repeat(80) } });
    const tooLong = refusal(card, { variables: { v: "가".repeat(81) } });
    assert.equal(tooLong.path, "/messages/1/content/title");
    assert.match(tooLong.message, /^\/messages\/1\/content\/title must not have more than 80 characters\.$/);
    const noAltText = { ...card, locales: { en: [{ content: { type: "card", title: "{{v}}" } }] } };
    assert.equal(refusal(noAltText, { variables: { v: "x" } }).path, "/messages/0/altText");
    const ids = { type: "confirm", text: "?", actions: ["a", "{{v}}"].map((id) => ({ type: "postback", id, label: "l" })) };
    const confirm = { ...card, locales: { en: [{ content: ids, altText: "x" }] } };
    fillTemplate(validator.check(confirm), { variables: { v: "b" } });
    assert.equal(refusal(confirm, { variables: { v: "a" } }).path, "/messages/0/content/actions/1/id");
  });

  test("[T11] what values bring is bounded", () => {
    const variables = { v: { type: "string", required: true, maxLength: 5_000 } };
    const many = textTemplate("{{v}}".repeat(10_000), variables);
    assert.match(refusal(many, { variables: { v: "x".repeat(5_000) } }).message, /too long; give its variables shorter values/);
  });

  test("[T11] entities move with what stands before them, and never begin inside of a variable", () => {
    const variables = { v: { type: "string", required: true } };
    const entities = (offset: number, length: number): object => ({ entities: [{ type: "bold", offset, length }] });
    const filled = (text: string, offset: number, length: number, v: string): unknown => {
      const [message] = fillTemplate(validator.check(textTemplate(text, variables, entities(offset, length))), { variables: { v } }).messages;
      return message?.content.type === "text" ? message.content.entities?.map((one) => [one.offset, one.length]) : undefined;
    };
    assert.deepEqual(filled("{{v}} @bob!", 6, 4, "👋👋👋"), [[4, 4]]);
    assert.deepEqual(filled("hi {{v}}!", 3, 5, "Jimin Park"), [[3, 10]]);
    assert.deepEqual(filled("@bob {{v}}", 0, 4, "x"), [[0, 4]]);
    for (const [offset, length] of [
      [4, 2],
      [0, 5],
      [5, 10],
    ] as const)
      assert.equal(refusal(textTemplate("hi {{v}}!", variables, entities(offset, length)), { variables: { v: "x" } }).path, "/locales/en/0/content/entities/0");
    assert.equal(refusal(textTemplate("{{v}}", variables, entities(0, 9)), { variables: { v: "x" } }).path, "/messages/0/content/entities/0");
  });
});

describe("a template itself", () => {
  test("[T11] is refused with its path when it could not be filled", () => {
    const fault = (template: object): string | undefined => checkTemplate(validator.check(template))?.path;
    assert.equal(fault(order), undefined);
    assert.equal(fault({ ...order, fallback: "en", locales: { ko: order.locales.ko } }), "/fallback");
    assert.equal(fault(textTemplate("{{w}}", { v: { type: "string" } })), "/locales/en/0/content/text");
    for (const text of ["{{", "{{ a b }}", "{{1}}", "{{}}", `{{${"x".repeat(33)}}}`, "a {{v} b"])
      assert.equal(fault(textTemplate(text, { v: { type: "string" } })), "/locales/en/0/content/text", text);
    assert.equal(fault(textTemplate("{ v } }}", {})), undefined);
    assert.equal(fault(textTemplate("x", { v: { type: "integer" } })), "/variables/v");
    assert.equal(fault(textTemplate("x", { v: { type: "integer", default: "5" } })), "/variables/v/default");
    assert.equal(fault(textTemplate("x", { v: { type: "string", required: true, default: "x" } })), "/variables/v/default");
    assert.equal(fault(textTemplate("x", { v: { type: "integer", required: true, maxLength: 5 } })), "/variables/v/maxLength");
  });

  test("[T11] has bounds", () => {
    const message = { content: { type: "text", text: "x" } };
    const names = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, index) => [`v${index}`, { type: "string" }]));
    const base = { id: "t", version: 1, fallback: "en", locales: { en: [message] } };
    const path = (more: object): string | undefined => {
      try {
        validator.check({ ...base, ...more });
      } catch (error) {
        return (error as SudaError).path;
      }
      return undefined;
    };
    for (const fits of [
      { id: "a".repeat(64) },
      { variables: names(50) },
      { locales: { en: Array.from({ length: 5 }, () => message) } },
      { variables: { ["v".repeat(32)]: { type: "url" } } },
    ])
      assert.equal(path(fits), undefined);
    assert.equal(path({ id: "a".repeat(65) }), "/id");
    assert.equal(path({ id: "a b" }), "/id");
    assert.equal(path({ version: 0 }), "/version");
    assert.equal(path({ fallback: "fr" }), "/fallback");
    assert.equal(path({ variables: names(51) }), "/variables");
    assert.equal(path({ variables: { ["v".repeat(33)]: { type: "url" } } }), `/variables/${"v".repeat(33)}`);
    assert.equal(path({ variables: { v: { type: "boolean" } } }), "/variables/v/type");
    assert.equal(path({ locales: { fr: [message] } }), "/locales/fr");
    assert.equal(path({ locales: { en: [] } }), "/locales/en");
    assert.equal(path({ locales: { en: Array.from({ length: 6 }, () => message) } }), "/locales/en");
    assert.equal(path({ locales: { en: ["x"] } }), "/locales/en/0");
    const size = (bytes: number): object => ({ locales: { en: [{ a: "x".repeat(bytes - 8) }] } });
    assert.equal(path(size(65_536)), undefined);
    assert.equal(path(size(65_537)), "/locales/en/0");
  });
});
