/** Close codes: a client needs only the range. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { closeCodes, isResumableCloseCode } from "./close-codes.ts";
import { errorFrame } from "./frames.ts";
import { errors, isErrorCode, SudaError } from "./errors.ts";

describe("close codes and errors", () => {
  test("[D11] 4000–4499 resume, 4500–4999 don't; every code stands once and in its range", () => {
    const seen = new Set<number>();
    for (const { code, resumable } of Object.values(closeCodes)) {
      assert.ok(!seen.has(code), `${code} stands twice`);
      seen.add(code);
      assert.equal(isResumableCloseCode(code), resumable);
      if (code >= 4_000) assert.equal(resumable, code < 4_500, String(code));
    }
  });

  test("[D11] codes of the network and of newer servers go by their range", () => {
    for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 1014, 4000, 4499]) assert.ok(isResumableCloseCode(code), String(code));
    for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 4500, 4999]) assert.ok(!isResumableCloseCode(code), String(code));
  });

  test("[D11] an error frame carries code, message and retryable, and retryAfterMs and path only where they are known", () => {
    assert.deepEqual(errorFrame(new SudaError("rate.limited", "Wait.", { retryAfterMs: 12.3 }), 7), {
      type: "error",
      ref: 7,
      code: "rate.limited",
      message: "Wait.",
      retryable: true,
      retryAfterMs: 13,
    });
    assert.deepEqual(errorFrame(new SudaError("frame.invalid", undefined, { path: "/a" })), {
      type: "error",
      code: "frame.invalid",
      message: errors["frame.invalid"].means,
      retryable: false,
      path: "/a",
    });
  });

  test("names of Object.prototype are no error codes", () => {
    assert.ok(isErrorCode("send.conflict"), "a code");
    for (const code of ["constructor", "toString", "__proto__", ""]) assert.ok(!isErrorCode(code), code);
  });
});
