/** What is given with a tap, beside what the server's tests try over the wire: everything that is no value at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Action } from "./actions.ts";
import { checkTapValue } from "./check-tap-value.ts";
import type { FormSubmit } from "./find-action.ts";
import type { FormContent } from "./form.ts";

const form: FormContent = { type: "form", title: "t", fields: [{ id: "a/b~c", kind: "text", label: "a", required: true }] };
const common = { id: "a", label: "a" } as const;
const asking: readonly (Action | FormSubmit)[] = [
  { type: "datetime", ...common, mode: "datetime", min: "2026-03-01T09:00" },
  ...(["location", "contact", "email", "camera", "photo"] as const).map((kind) => ({ type: "request", ...common, kind }) as const),
  { type: "submit", id: "submit" },
  { type: "share", ...common },
  { type: "message", ...common, text: "x" },
];

test("[T16] whatever comes as a value, each fault has a path that begins with /value and a sentence that begins with the path", () => {
  fc.assert(
    fc.property(fc.constantFrom(...asking), fc.option(fc.anything(), { nil: undefined }), (action, value) => {
      for (const { path, message } of checkTapValue(action, value, form)) {
        assert.match(path, /^\/value(\/|$)/);
        assert.ok(message.startsWith(path), message);
      }
    }),
  );
});

test("[T16] the path of a form's field is a JSON pointer", () => {
  const paths = (value: unknown): readonly string[] => checkTapValue({ type: "submit", id: "submit" }, value, form).map(({ path }) => path);
  assert.deepEqual(paths({}), ["/value/a~1b~0c"]);
  assert.deepEqual(paths({ "a/b~c": "x", "d/e": 1 }), ["/value/d~1e"]);
  assert.deepEqual(paths({ "a/b~c": "x" }), []);
  assert.deepEqual(paths([]), ["/value"]);
});

test("[T16] nothing of what was given is in a sentence", () => {
  for (const action of asking)
    for (const value of ["secret", { secret: "secret" }, { name: "secret", latitude: "secret", "a/b~c": 5, phone: "secret", email: "secret" }])
      assert.doesNotMatch(
        checkTapValue(action, value, form)
          .map(({ message }) => message)
          .join(" ")
          .replaceAll("/value/secret", ""),
        /secret/,
      );
});
