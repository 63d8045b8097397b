/** Errors on the same ref, and the close codes of what cannot be answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Codec } from "@suda/protocol";
import { WireWorld, type OpenWireServer } from "./wire.ts";

export function refusals(open: OpenWireServer, codec: Codec): void {
  test("[D11] [F10] [F11] [F12] a refusal carries the ref, a code, a sentence and whether to retry; the connection goes on", async () => {
    await using world = await WireWorld.open(open, codec);
    const alice = await world.connect("alice");
    const { conversation } = await alice.ask("conversation.create", { members: [] });
    const send = { type: "message.send", conversation: conversation.id, clientId: "c" };
    const cases: readonly (readonly [object, string, string?])[] = [
      [{ type: "conversation.get", conversation: "g.01HF7YAT00000000000000000" }, "conversation.not_found"],
      [{ type: "nonsense" }, "frame.unknown_type", "/type"],
      [{ ...send, content: { type: "text", text: "" } }, "frame.invalid", "/content/text"],
      [{ ...send, content: { type: "text", text: "👋".repeat(5_001) } }, "frame.invalid", "/content/text"],
      [{ ...send }, "frame.invalid", "/content"],
      [{ ...send, content: { type: "text", text: "x" }, extra: 1 }, "frame.invalid", "/extra"],
      [{ ...send, content: { type: "image", url: "javascript:alert(1)" } }, "frame.invalid", "/content/url"],
      [{ type: "hello", token: "x" }, "auth.already"],
      [{ type: "user.get", user: world.user("nobody") }, "user.not_found"],
    ];
    for (const [command, code, path] of cases) {
      const refusal = await alice.answer(command);
      assert.ok(refusal.type === "error", JSON.stringify(refusal));
      assert.deepEqual([refusal.code, refusal.path, refusal.retryable], [code, path, false]);
    }
    assert.equal((await alice.ask("message.send", { ...send, content: { type: "text", text: "👋".repeat(5_000) } })).seq, 1);
  });

  test("[F13] a ref comes back as it was: integer or string", async () => {
    await using world = await WireWorld.open(open, codec);
    const alice = await world.connect("alice");
    for (const ref of [0, Number.MAX_SAFE_INTEGER, "0", "가나다 👋"]) {
      alice.send({ type: "conversation.list", ref });
      assert.equal((await alice.answerTo(ref)).type, "reply");
    }
  });

  test("[H1] [H5] before hello commands are refused; a wrong token closes with 4501, what is no frame with 4500", async () => {
    await using world = await WireWorld.open(open, codec);
    const early = await world.connectSilently();
    const refusal = await early.answer({ type: "conversation.list" });
    assert.equal(refusal.type === "error" && refusal.code, "auth.required");
    const forged = await early.answer({ type: "hello", token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OTl9." });
    assert.equal(forged.type === "error" && forged.code, "auth.invalid");
    assert.equal(await early.closed, 4_501);
    const alice = await world.connect("alice");
    alice.sendRaw(codec.isText ? "nonsense" : Uint8Array.of(0xc1));
    const malformed = await alice.next("a refusal", ({ type }) => type === "error");
    assert.deepEqual([malformed.type === "error" && malformed.code, "ref" in malformed], ["frame.malformed", false]);
    assert.equal(await alice.closed, 4_500);
    const bob = await world.connect("bob");
    bob.sendRaw(codec.isText ? new Uint8Array(3) : "{}");
    assert.equal(await bob.closed, 4_500);
  });
}
