/** Structured messages through the server: what is refused, with which path, over WebSocket and over HTTP. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Action, Content, MessageBody } from "@suda/protocol";
import { clientId, codeOf, createTestGroup, goldenKinds, goldenMessage, goldenMessages, TestServer } from "@suda/testing";

/** A message that breaks one rule, and where. */
const broken: readonly (readonly [rule: string, message: object, path: string])[] = [
  ["T1", { ...goldenMessage("card"), altText: "x".repeat(401) }, "/altText"],
  ["T1", { content: { ...goldenMessage("card").content, subtitle: "x" }, altText: "x" }, "/content/subtitle"],
  ["T1", { content: { type: "poster" }, altText: "x" }, "/content/type"],
  ["T2", { content: goldenMessage("card").content }, "/altText"],
  ["T3", { ...goldenMessage("confirm"), quickReplies: [{ action: { type: "message", id: "yes", label: "x", text: "x" } }] }, "/quickReplies/0/action/id"],
  ["T4", { content: { type: "card", layout: "vertical" }, altText: "x" }, "/content"],
  ["T5", { content: { type: "carousel", items: [{ type: "card" }] }, altText: "x" }, "/content/items/0"],
  ["T7", { content: { type: "form", title: "t", fields: [{ id: "a", kind: "select", label: "l" }] }, altText: "x" }, "/content/fields/0/options"],
];

describe("structured messages", () => {
  test("[T1] [T2] [T3] [T4] [T5] [T7] what breaks a rule is refused with its path and nothing is stored; the whole one is taken", async () => {
    await using suda = await TestServer.open({ customKinds: goldenKinds });
    await using alice = await suda.connectBot("alice");
    const { id: conversation } = await createTestGroup(alice, ["bob"]);
    for (const [index, [rule, message, path]] of broken.entries()) {
      const answer = await alice.answer({ type: "message.send", conversation, clientId: `b-${index}`, ...message });
      assert.ok(answer.type === "error", rule);
      assert.deepEqual([answer.code, answer.path, answer.retryable], ["frame.invalid", path, false], rule);
      assert.ok(answer.message.startsWith(path), answer.message);
      const http = await suda.backend("alice").post(`/v1/conversations/${conversation}/messages`, {
        clientId: `h-${index}`,
        ...message,
      });
      assert.deepEqual([http.status, (http.body as { path?: string }).path], [400, path], rule);
    }
    const { head } = (await alice.request({ type: "history.get", conversation })) as unknown as { head: number };
    assert.equal(head, 0);
    for (const [index, { message }] of goldenMessages.entries())
      assert.equal(codeOf(await alice.answer({ type: "message.send", conversation, clientId: `g-${index}`, ...message })), "ok");
  });

  test("[T10] [D3] what stands beside the content is part of what was sent: another altText under the same clientId is a conflict", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectBot("alice");
    const { id: conversation } = await createTestGroup(alice, []);
    const send = async (more: Partial<MessageBody>): Promise<string> =>
      codeOf(await alice.answer({ type: "message.send", conversation, clientId: clientId("c"), ...goldenMessage("text"), ...more }));
    assert.equal(await send({}), "ok");
    assert.equal(await send({}), "ok");
    for (const more of [{ altText: "x" }, { silent: true }, { sender: { name: "x" } }, { quickReplies: [] }]) assert.equal(await send(more), "send.conflict");
  });

  test("[T10] [C25] to who deleted a message for themself nothing of what stood beside it is shown", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectBot("alice");
    const { id: conversation } = await createTestGroup(alice, []);
    const beside = { altText: "canary", quickReplies: goldenMessage("text").quickReplies ?? [], sender: { name: "canary" }, silent: true };
    await alice.request({ type: "message.send", conversation, clientId: clientId("c"), ...goldenMessage("card"), ...beside });
    const shown = async (): Promise<string[]> => Object.keys((await alice.request({ type: "history.get", conversation })).events[0] ?? {}).sort();
    assert.ok((await shown()).includes("quickReplies"), "before");
    await alice.request({ type: "message.hide", conversation, target: 1 });
    assert.deepEqual(await shown(), ["at", "clientId", "content", "conversation", "from", "hidden", "seq", "type"]);
  });

  test("[T4] an edit is checked like a send, and keeps its type", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { id: conversation } = await createTestGroup(alice, []);
    await alice.request({ type: "message.send", conversation, clientId: clientId("c"), ...goldenMessage("card") });
    const edit = async (content: unknown): Promise<unknown> => {
      const answer = await alice.answer({ type: "message.edit", conversation, target: 1, content });
      return answer.type === "error" ? answer.path : "ok";
    };
    assert.equal(await edit({ type: "card", title: "Done ✓" }), "ok");
    assert.equal(await edit({ type: "card" }), "/content");
    assert.equal(await edit({ type: "card", title: "x".repeat(81) }), "/content/title");
    assert.equal(await edit({ type: "text", text: "x" }), "/content/type");
  });

  test("[T3] the actions of an edit have ids of their own, and none of the message's quick replies", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectBot("alice");
    const { id: conversation } = await createTestGroup(alice, []);
    const action = (id: string): Action => ({ type: "message", id, label: "x", text: "x" });
    const quickReplies = [{ action: action("quick") }];
    await alice.request({ type: "message.send", conversation, clientId: clientId("c"), content: { type: "card", title: "t" }, altText: "x", quickReplies });
    const edit = async (...ids: readonly string[]): Promise<unknown> => {
      const command = { type: "message.edit", conversation, target: 1, content: { type: "card", title: "t", buttons: ids.map(action) } };
      const answer = await alice.answer(command);
      return answer.type === "error" ? [answer.code, answer.path] : "ok";
    };
    assert.equal(await edit("a", "b"), "ok");
    assert.deepEqual(await edit("a", "a"), ["frame.invalid", "/content/buttons/1/id"]);
    assert.deepEqual(await edit("a", "quick"), ["frame.invalid", "/content/buttons/1/id"]);
    const { events } = await alice.request({ type: "history.get", conversation, after: 0 });
    assert.equal(events.filter(({ type }) => type === "message.edited").length, 1, "nothing of the others is stored");
  });

  test("[T1] an edit of 65,536 bytes as JSON, with what stands beside it, is taken; one more is refused", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connectBot("alice", { subprotocols: ["suda.v1.msgpack"] });
    const { id: conversation } = await createTestGroup(alice, []);
    const beside = { altText: "x", silent: true };
    // Escaped, a control character is six bytes of JSON and one of MessagePack.
    const content = (length: number): Content => ({
      type: "carousel",
      items: Array.from({ length: 12 }, (_, index) => ({
        type: "card",
        text: "\u0001".repeat(640),
        thumbnail: { url: `https://a.example/?${"x".repeat(index === 11 ? length : 1_600)}` },
      })),
    });
    const most = 65_536 - Buffer.byteLength(JSON.stringify({ ...beside, content: content(1) })) + 1;
    await alice.request({ type: "message.send", conversation, clientId: clientId("c"), content: content(1), ...beside });
    const edit = async (length: number): Promise<unknown> => {
      const answer = await alice.answer({ type: "message.edit", conversation, target: 1, content: content(length) });
      return answer.type === "error" ? [answer.code, answer.path] : "ok";
    };
    assert.equal(await edit(most), "ok");
    assert.deepEqual(await edit(most + 1), ["frame.invalid", "/content"]);
  });
});
