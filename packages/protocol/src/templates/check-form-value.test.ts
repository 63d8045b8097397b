/** What is put into a form: each kind of field with what it takes, what it refuses, and the field's path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFormValue } from "./check-form-value.ts";
import type { FormContent, FormField } from "./form.ts";

const options = [
  { value: "a", label: "A" },
  { value: "b", label: "B" },
];
const form = (...fields: FormField[]): FormContent => ({ type: "form", title: "t", fields });
const paths = (fields: FormField[], value: unknown): string[] => checkFormValue(form(...fields), value).map(({ path }) => path);

test("[T8] each kind of field takes what fits and refuses what does not, with its path", () => {
  const cases: readonly (readonly [Omit<FormField, "id" | "label">, takes: readonly unknown[], refuses: readonly unknown[]])[] = [
    [{ kind: "text", maxLength: 3 }, ["가나다", "👋👋👋", " "], ["가나다라", 5, true, null, ["a"], {}]],
    [{ kind: "text" }, ["가".repeat(1_000)], ["가".repeat(1_001)]],
    [{ kind: "textarea" }, ["a\nb", "가".repeat(5_000)], ["가".repeat(5_001), 5]],
    [
      { kind: "email" },
      ["a@b.kr", "first.last+tag@sub.example.com", `${"a".repeat(243)}@example.com`.slice(0, 254)],
      ["a", "a@b", "@b.kr", "a@.kr", "a@b..kr", "a b@c.kr", "a@b@c.kr", `${"a".repeat(250)}@b.kr`, 5],
    ],
    [{ kind: "number" }, [0, -1.5, 1e300], ["1", Number.NaN, Number.POSITIVE_INFINITY, true, [1]]],
    [{ kind: "select", options }, ["a"], ["c", ["a"], 5, "A", true]],
    [{ kind: "multiselect", options }, [["a"], ["b", "a"]], [["a", "a"], ["c"], "a", [1], { 0: "a" }]],
    [{ kind: "date" }, ["2026-02-28", "2024-02-29"], ["2026-02-29", "2026-2-1", "2026-03-01T09:00", 5]],
    [{ kind: "time" }, ["00:00", "23:59"], ["24:00", "9:00", "09:00:00", 900]],
    [{ kind: "checkbox" }, [true, false], ["true", 1, null, []].filter((value) => !Array.isArray(value))],
  ];
  for (const [kind, takes, refuses] of cases) {
    const field: FormField = { id: "f/1", label: "l", ...kind };
    for (const value of takes) assert.deepEqual(paths([field], { "f/1": value }), [], `${field.kind} ${JSON.stringify(value)}`);
    for (const value of refuses) assert.deepEqual(paths([field], { "f/1": value }), ["/f~11"], `${field.kind} ${JSON.stringify(value)}`);
  }
});

test("[T8] what is required is there; what is not may be left out or empty", () => {
  const kinds = ["text", "textarea", "email", "number", "select", "multiselect", "date", "time", "checkbox"] as const;
  for (const kind of kinds) {
    const field: FormField = { id: "f", label: "l", kind, ...(kind.endsWith("select") ? { options } : {}) };
    for (const value of [{}, { f: "" }].slice(0, kind === "checkbox" ? 1 : 2)) {
      assert.deepEqual(paths([field], value), [], kind);
      const [fault] = checkFormValue(form({ ...field, required: true }), value);
      assert.deepEqual([fault?.path, fault?.message], ["/f", "/f is required; fill it in."], kind);
    }
  }
  const agree: FormField = { id: "f", label: "l", kind: "checkbox", required: true };
  assert.deepEqual(paths([agree], { f: true }), []);
  assert.deepEqual(paths([agree], { f: false }), ["/f"]);
});

test("[T8] every wrong field is told, in the form's order, and a field that is not the form's", () => {
  const fields: FormField[] = [
    { id: "name", kind: "text", label: "l", required: true },
    { id: "age", kind: "number", label: "l" },
    { id: "mail", kind: "email", label: "l" },
  ];
  assert.deepEqual(paths(fields, { mail: "x", age: "5" }), ["/name", "/age", "/mail"]);
  assert.deepEqual(paths(fields, { name: "n", more: 1, constructor: 2 }), ["/more"]);
  for (const value of [null, undefined, "x", 5, []]) assert.deepEqual(paths(fields, value), [""]);
  // A name that objects inherit is not a value that was given.
  assert.deepEqual(paths([{ id: "constructor", kind: "text", label: "l", required: true }], {}), ["/constructor"]);
});

test("[T8] no value is slow to check", { timeout: 2_000 }, () => {
  for (const part of ["a", "@", ".", "a@", "a.", " "]) paths([{ id: "f", kind: "email", label: "l" }], { f: part.repeat(254 / part.length) });
});
