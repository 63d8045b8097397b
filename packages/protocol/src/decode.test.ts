/** From one WebSocket message to commands: what is refused as a whole, and what only for one frame. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codecs } from "./codecs.ts";
import { decodeCommands, type Decoded } from "./decode.ts";
import type { ErrorCode } from "./errors.ts";
import { limits } from "./limits.ts";

const get = { type: "user.get", ref: 1, user: "bob" };

for (const codec of codecs) {
  const decode = (value: unknown): readonly Decoded[] => {
    const bytes = codec.encode(value as object);
    return decodeCommands(codec, codec.isText ? new TextDecoder().decode(bytes) : bytes);
  };
  const refusal = (frame: unknown): { code: ErrorCode; ref: unknown; path: string | undefined } => {
    const [decoded] = decode(frame);
    assert.ok(decoded !== undefined && "error" in decoded, `${JSON.stringify(frame)} was read as a command`);
    return { code: decoded.error.code, ref: decoded.ref, path: decoded.error.path };
  };

  describe(`decoding commands: ${codec.name}`, () => {
    test("[F1] one frame, or an array of 1 to 100", () => {
      assert.deepEqual(decode(get), [{ command: get }]);
      assert.equal(decode([get]).length, 1);
      assert.equal(decode(Array.from({ length: limits.batchMaxFrames }, () => get)).length, limits.batchMaxFrames);
      assert.throws(() => decode(Array.from({ length: limits.batchMaxFrames + 1 }, () => get)), { code: "frame.malformed" });
      assert.throws(() => decode([]), { code: "frame.malformed" });
    });

    test("[F4] what is no object is refused as a whole, in an array too", () => {
      for (const value of [null, true, 1, "hello", [[get]], [get, null], [get, 1], [get, "x"]]) assert.throws(() => decode(value), { code: "frame.malformed" });
    });

    test("[F12] a refused frame does not harm the others of its array", () => {
      const decoded = decode([get, { type: "user.get", ref: 2 }, { type: "nonsense", ref: 3 }, { ...get, ref: 4 }]);
      assert.deepEqual(
        decoded.map((one) => ("error" in one ? [one.error.code, one.ref] : one.command.ref)),
        [1, ["frame.invalid", 2], ["frame.unknown_type", 3], 4],
      );
    });

    test("[F10] an unknown type, or none, is answered on the ref; names of Object.prototype are unknown", () => {
      for (const type of ["nonsense", "", "hello ", "Hello", "constructor", "toString", "hasOwnProperty", "x".repeat(10_000), `${"x".repeat(63)}👋`])
        assert.deepEqual(refusal({ type, ref: "r" }), { code: "frame.unknown_type", ref: "r", path: "/type" });
      for (const type of [undefined, null, 1, {}, ["hello"]])
        assert.deepEqual(refusal({ type, ref: 7 }), { code: "frame.unknown_type", ref: 7, path: "/type" });
    });

    test("[F11] a missing, unknown or wrong field is answered on the ref with its path", () => {
      assert.deepEqual(refusal({ type: "user.get", ref: 1 }), { code: "frame.invalid", ref: 1, path: "/user" });
      assert.deepEqual(refusal({ ...get, more: 1 }), { code: "frame.invalid", ref: 1, path: "/more" });
      assert.deepEqual(refusal({ ...get, user: 5 }), { code: "frame.invalid", ref: 1, path: "/user" });
      assert.deepEqual(refusal({ ...get, user: null }), { code: "frame.invalid", ref: 1, path: "/user" });
      assert.deepEqual(refusal({ ...get, constructor: 1 }), { code: "frame.invalid", ref: 1, path: "/constructor" });
      const send = { type: "message.send", ref: 1, conversation: "c", clientId: "k", content: { type: "text", text: "x" } };
      assert.ok("command" in (decode(send)[0] as Decoded), "the same frame without a mistake is read");
      assert.equal(refusal({ ...send, content: { type: "text" } }).path, "/content/text");
      assert.equal(refusal({ ...send, content: { type: "text", text: "" } }).path, "/content/text");
      assert.equal(refusal({ ...send, content: { type: "shout", text: "x" } }).path, "/content/type");
      assert.equal(refusal({ ...send, content: "x" }).path, "/content");
      assert.equal(
        refusal({ ...send, content: { type: "text", text: "x", entities: [{ type: "mention", user: "a", offset: 0, length: 0 }] } }).path,
        "/content/entities/0/length",
      );
      assert.equal(refusal({ ...send, content: { type: "text", text: "x", "a/b~c": 1 } }).path, "/content/a~1b~0c");
    });

    test("[F13] a ref is an integer 0…2^53−1 or a string of 1–64 characters, and comes back as it was", () => {
      for (const ref of [0, 1, Number.MAX_SAFE_INTEGER, "0", "a".repeat(64), "👋".repeat(64), "\0"]) {
        assert.deepEqual(decode({ ...get, ref }), [{ command: { ...get, ref } }]);
        assert.equal(refusal({ type: "nonsense", ref }).ref, ref);
      }
      for (const ref of [undefined, null, -1, 0.5, 2 ** 53, 1e300, "", "a".repeat(65), true, {}, [1]]) {
        assert.deepEqual(refusal({ ...get, ref }), { code: "frame.invalid", ref: undefined, path: "/ref" });
        assert.equal(refusal({ type: "nonsense", ref }).ref, undefined);
      }
    });

    test("[F11] a hostile key is cut in the report, and never into half a surrogate pair", () => {
      const { path } = refusal({ ...get, [`${"k".repeat(63)}👋${"k".repeat(5_000)}`]: 1 });
      assert.equal(path, `/${"k".repeat(63)}\ufffd`);
    });

    test("[F11] ids are of their alphabets and lengths", () => {
      const isRead = (frame: object): boolean => "command" in (decode({ ref: 1, ...frame })[0] as Decoded);
      for (const user of ["a", "a".repeat(128), "~system", "a@b.c:+|~=-_", "0"]) assert.ok(isRead({ type: "user.get", user }), user);
      for (const user of ["", "a".repeat(129), "a b", "가", "a/b", "a\n", "a\0", "a#"]) assert.ok(!isRead({ type: "user.get", user }), JSON.stringify(user));
      for (const conversation of ["d.x", "g.01", "a".repeat(64), "-", "_"]) assert.ok(isRead({ type: "conversation.get", conversation }), conversation);
      for (const conversation of ["", ".d", "a".repeat(65), "a b", "가", "a/b", "a\n"])
        assert.ok(!isRead({ type: "conversation.get", conversation }), JSON.stringify(conversation));
      const send = (clientId: string): object => ({ type: "message.send", conversation: "c", clientId, content: { type: "text", text: "x" } });
      for (const clientId of ["!", "~", "a".repeat(64), "{}"]) assert.ok(isRead(send(clientId)), clientId);
      for (const clientId of ["", " ", "a b", "a".repeat(65), "가", "a\u007f", "a\n"]) assert.ok(!isRead(send(clientId)), JSON.stringify(clientId));
    });

    test("[F11] numbers of a page and of members stop at their bounds", () => {
      const isRead = (frame: object): boolean => "command" in (decode({ ref: 1, ...frame })[0] as Decoded);
      const history = { type: "history.get", conversation: "c" };
      for (const limit of [1, 200]) assert.ok(isRead({ ...history, limit }), String(limit));
      for (const limit of [0, 201, -1, 1.5, "5", null]) assert.ok(!isRead({ ...history, limit }), String(limit));
      for (const after of [0, 1, Number.MAX_SAFE_INTEGER]) assert.ok(isRead({ ...history, after }), String(after));
      for (const after of [-1, 0.5, 2 ** 53, 2 ** 64, null]) assert.ok(!isRead({ ...history, after }), String(after));
      const members = (count: number): string[] => Array.from({ length: count }, (_, index) => `u${index}`);
      assert.ok(isRead({ type: "conversation.create", members: members(1_000) }), "1,000 members");
      assert.ok(!isRead({ type: "conversation.create", members: members(1_001) }), "1,001 members");
      assert.ok(isRead({ type: "conversation.create", members: [] }), "a group of one");
      assert.ok(!isRead({ type: "member.add", conversation: "c", users: [] }), "nobody to add");
    });
  });
}

test("numbers that only JSON can write too large are refused by the schema", () => {
  const [json] = codecs;
  assert.ok(json !== undefined);
  for (const text of ['{"type":"history.get","ref":1,"conversation":"c","after":1e400}', '{"type":"history.get","ref":1,"conversation":"c","limit":-1e400}']) {
    const [decoded] = decodeCommands(json, text);
    assert.ok(decoded !== undefined && "error" in decoded, text);
    assert.equal(decoded.error.code, "frame.invalid");
  }
});
