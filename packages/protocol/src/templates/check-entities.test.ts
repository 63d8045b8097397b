/** Parts of a text: inside of it, and nested as a page nests them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createValidator } from "../validator.ts";
import { checkMessage } from "./check-message.ts";
import { MessageBodySchema, type MessageBody } from "./envelope.ts";

const validator = createValidator<MessageBody>(MessageBodySchema);
const more = { mention: { user: "bob" }, link: { url: "https://a.example" }, bold: {}, italic: {}, code: {} } as const;
type Part = readonly [type: keyof typeof more, offset: number, length: number];

function faultOf(text: string, ...parts: Part[]): string | undefined {
  const entities = parts.map(([type, offset, length]) => ({ type, offset, length, ...more[type] }));
  return checkMessage(validator.check({ content: { type: "text", text, entities } }))?.path;
}

test("[C14] an entity lies inside its text, counted in code points", () => {
  assert.equal(faultOf("👋👋 hello", ["bold", 0, 8], ["italic", 7, 1]), undefined);
  assert.equal(faultOf("👋👋 hello", ["bold", 0, 9]), "/content/entities/0");
  assert.equal(faultOf("👋👋 hello", ["bold", 0, 1], ["italic", 8, 1]), "/content/entities/1");
});

test("[C14] two entities are apart, or one lies in the other", () => {
  const text = "0123456789";
  const fine: readonly Part[][] = [
    [],
    [
      ["bold", 0, 5],
      ["bold", 5, 5],
    ],
    [
      ["bold", 0, 5],
      ["italic", 0, 5],
    ],
    [
      ["italic", 2, 1],
      ["bold", 0, 10],
    ],
    [
      ["link", 0, 10],
      ["bold", 0, 3],
      ["italic", 7, 3],
    ],
    [
      ["bold", 0, 10],
      ["mention", 3, 4],
    ],
    [
      ["code", 0, 3],
      ["bold", 3, 3],
      ["code", 6, 4],
    ],
  ];
  for (const parts of fine) assert.equal(faultOf(text, ...parts), undefined, JSON.stringify(parts));
  const wrong: readonly Part[][] = [
    [
      ["bold", 0, 5],
      ["italic", 4, 5],
    ],
    [
      ["italic", 4, 5],
      ["bold", 0, 5],
    ],
    [
      ["bold", 0, 5],
      ["bold", 1, 2],
    ],
    [
      ["mention", 0, 5],
      ["mention", 0, 5],
    ],
    [
      ["link", 0, 5],
      ["mention", 1, 2],
    ],
    [
      ["mention", 1, 2],
      ["link", 0, 5],
    ],
    [
      ["code", 0, 5],
      ["bold", 1, 2],
    ],
    [
      ["bold", 0, 5],
      ["code", 1, 2],
    ],
  ];
  for (const parts of wrong) assert.equal(faultOf(text, ...parts), "/content/entities/1", JSON.stringify(parts));
});

test("[C14] a hundred entities are judged at once", { timeout: 1_000 }, () => {
  const parts = Array.from({ length: 100 }, (_, index): Part => ["bold", index * 50, 50]);
  assert.equal(faultOf("x".repeat(5_000), ...parts), undefined);
  assert.equal(faultOf("x".repeat(5_000), ...parts.slice(0, 99), ["bold", 0, 1]), "/content/entities/99");
});
