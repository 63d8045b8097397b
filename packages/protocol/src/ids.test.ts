/** Ids: their alphabets, and that a new group's id sorts by time and cannot be guessed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hostConversationIdPattern, isConversationId, isUserId, newGroupId } from "./ids.ts";

describe("ids", () => {
  test("a new group's id is g. and a ULID: known vectors", () => {
    assert.equal(newGroupId(0, new Uint8Array(10)), "g.00000000000000000000000000");
    assert.equal(newGroupId(2 ** 48 - 1, new Uint8Array(10).fill(255)), "g.7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert.equal(newGroupId(1_469_918_176_385, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)).slice(0, 12), "g.01ARYZ6S41");
  });

  test("it is a conversation's id, keeps all 80 bits of chance, and sorts by time", () => {
    const chance = fc.uint8Array({ minLength: 10, maxLength: 10 });
    const time = fc.nat(2 ** 31 - 1).map((seconds) => seconds * 1_000 + (seconds % 1_000));
    fc.assert(
      fc.property(time, time, chance, chance, (one, other, a, b) => {
        const first = newGroupId(one, a);
        assert.ok(isConversationId(first), first);
        assert.equal(first.length, 28);
        if (one < other) assert.ok(first < newGroupId(other, b), "older ids sort first");
        assert.equal(first === newGroupId(one, b), Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });

  test("an id of the server's own can never be one of the host's", () => {
    const host = new RegExp(hostConversationIdPattern);
    assert.ok(host.test("support_1"), "a host's id");
    for (const id of [newGroupId(0, new Uint8Array(10)), "d.HLFUV9Hdq2DiBcD-PKL2XR", "a.b", ""]) assert.ok(!host.test(id), id);
  });

  test("user ids end where they end: no newline passes", () => {
    assert.ok(isUserId("alice"), "alice");
    for (const id of ["alice\n", "\nalice", "", "a".repeat(129)]) assert.ok(!isUserId(id), JSON.stringify(id));
  });
});
