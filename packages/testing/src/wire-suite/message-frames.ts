/** Sends, the event to every connection of every member, history, content of every kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codecs, type Codec, type Content, type ConversationId, type LogEvent } from "@suda/protocol";
import { goldenKinds, goldenMessages } from "../golden-messages.ts";
import { WireWorld, type OpenWireServer, type Wire } from "./wire.ts";

const text = (value: string): Content => ({ type: "text", text: value });
const send = (wire: Wire, conversation: ConversationId, clientId: string, content: Content): ReturnType<typeof wire.ask<"message.send">> =>
  wire.ask("message.send", { conversation, clientId, content });

export function messageFrames(open: OpenWireServer, codec: Codec): void {
  test("[D1] [D2] [D5] a message is answered with its place and told to every connection of every member; history has the same object", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, laptop, bob, phone] = [await world.connect("alice"), await world.connect("alice"), await world.connect("bob"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.open", { with: world.user("bob") });
    const reply = await send(alice, conversation.id, "c-1", text("안녕하세요 👋"));
    assert.equal(reply.seq, 1);
    assert.equal(reply.duplicate, undefined);
    const expected = {
      type: "message.created",
      conversation: conversation.id,
      seq: 1,
      at: reply.at,
      from: world.user("alice"),
      clientId: "c-1",
      content: text("안녕하세요 👋"),
    };
    for (const connection of [alice, laptop, bob, phone]) assert.deepEqual(await connection.event("message.created"), expected);
    const history = await bob.ask("history.get", { conversation: conversation.id, after: 0, limit: 50 });
    assert.deepEqual({ ...history, ref: 0 }, { type: "reply", ref: 0, events: [expected], head: 1, more: false });
  });

  test("[D3] a retry is answered with the first place, another body with send.conflict", async () => {
    await using world = await WireWorld.open(open, codec);
    const alice = await world.connect("alice");
    const { conversation } = await alice.ask("conversation.create", { members: [] });
    const first = await send(alice, conversation.id, "c-1", text("하나"));
    const again = await send(alice, conversation.id, "c-1", text("하나"));
    assert.deepEqual([again.seq, again.at, again.duplicate], [first.seq, first.at, true]);
    const conflict = await alice.answer({ type: "message.send", conversation: conversation.id, clientId: "c-1", content: text("둘") });
    assert.equal(conflict.type === "error" && conflict.code, "send.conflict");
  });

  test("[F1] [D4] an array of commands is carried out in order; the server's arrays are read alike", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    const count = 100;
    alice.send(
      Array.from({ length: count }, (_, index) => ({
        type: "message.send",
        ref: `r${index}`,
        conversation: conversation.id,
        clientId: `c-${index}`,
        content: text(`${index}`),
      })),
    );
    for (let index = 0; index < count; index++) {
      const answer = await alice.answerTo(`r${index}`);
      assert.ok(answer.type === "reply", JSON.stringify(answer));
      assert.equal(answer["seq"], index + 1);
    }
    for (let index = 0; index < count; index++) {
      const event = await bob.event("message.created");
      assert.deepEqual([event.seq, event.content], [index + 1, text(`${index}`)]);
    }
  });

  test("[C12] [D7] history reads on and back, always ascending", async () => {
    await using world = await WireWorld.open(open, codec);
    const alice = await world.connect("alice");
    const { conversation } = await alice.ask("conversation.create", { members: [] });
    for (let index = 1; index <= 7; index++) await send(alice, conversation.id, `c-${index}`, text(`${index}`));
    const page = async (fields: object): Promise<unknown> => {
      const { events, more, head } = await alice.ask("history.get", { conversation: conversation.id, ...fields });
      return [events.map(({ seq }) => seq), more, head];
    };
    assert.deepEqual(await page({ after: 0, limit: 3 }), [[1, 2, 3], true, 7]);
    assert.deepEqual(await page({ after: 3, limit: 200 }), [[4, 5, 6, 7], false, 7]);
    assert.deepEqual(await page({ before: 3 }), [[1, 2], false, 7]);
    assert.deepEqual(await page({ limit: 2 }), [[6, 7], true, 7]);
  });

  test("[D9] a receipt is answered with the mark and what is unread", async () => {
    await using world = await WireWorld.open(open, codec);
    const [alice, bob] = [await world.connect("alice"), await world.connect("bob")];
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    for (let index = 1; index <= 3; index++) await send(alice, conversation.id, `c-${index}`, text(`${index}`));
    const { read, unread } = await bob.ask("receipt.read", { conversation: conversation.id, seq: 2 });
    assert.deepEqual([read, unread], [2, 1]);
  });

  test("[F14] [C17] content of every kind, bytes too, is read by both encodings, live and from history", async () => {
    await using world = await WireWorld.open(open, codec);
    const readers = await Promise.all(codecs.map((other) => world.connect("bob", other)));
    const alice = await world.connect("alice");
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    const url = "https://media.example/가.png";
    const contents: Content[] = [
      { type: "text", text: "@bob 안녕 👩‍👩‍👧‍👦 \u0000", entities: [{ type: "mention", user: world.user("bob") as never, offset: 0, length: 4 }] },
      { type: "image", url, width: 10, height: 20, alt: "그림", caption: "" },
      { type: "video", url, durationMs: 0 },
      { type: "audio", url, durationMs: 1_200, waveform: [0, 128, 255] },
      { type: "file", url, name: "보고서.pdf", size: 5_000_000_000, mime: "application/pdf" },
      { type: "location", title: "서울", latitude: 37.5665, longitude: 126.978 },
      { type: "bytes", mime: "image/png", name: "x.png", bytes: Uint8Array.from({ length: 256 }, (_, index) => index) },
      { type: "bytes", mime: "application/octet-stream", bytes: Uint8Array.from({ length: codec.isText ? 48_000 : 49_152 }, (_, index) => (index * 31) & 255) },
    ];
    for (const [index, content] of contents.entries()) {
      await send(alice, conversation.id, `c-${index}`, content);
      for (const reader of readers) assert.deepEqual((await reader.event("message.created")).content, content);
    }
    for (const reader of readers) {
      const { events } = await reader.ask("history.get", { conversation: conversation.id, after: 0 });
      assert.deepEqual(
        events.map((event) => event.type === "message.created" && event.content),
        contents,
      );
      const [listed] = (await reader.ask("conversation.list", {})).conversations;
      assert.deepEqual(listed?.last?.type === "message.created" && listed.last.content, contents.at(-1));
    }
  });

  test("[T1] [T10] a message of every type is told and kept with all that stands beside it, by both encodings; deleting takes it", async () => {
    await using world = await WireWorld.open(open, codec);
    const readers = await Promise.all(codecs.map((other) => world.connect("bob", other)));
    const alice = await world.connectBot("alice");
    await registerKinds(world);
    const { conversation } = await alice.ask("conversation.create", { members: [world.user("bob")] });
    for (const [index, { message }] of goldenMessages.entries()) {
      await alice.ask("message.send", { conversation: conversation.id, clientId: `c-${index}`, ...message });
      for (const reader of readers) assert.deepEqual(messageOf(await reader.event("message.created")), message);
    }
    const goldens = goldenMessages.map(({ message }) => message);
    for (const reader of readers) {
      const { events } = await reader.ask("history.get", { conversation: conversation.id, after: 0, limit: 200 });
      assert.deepEqual(events.map(messageOf), goldens);
    }
    const seq = 1 + goldenMessages.findIndex(({ message }) => message.quickReplies !== undefined && message.sender !== undefined);
    await alice.ask("message.delete", { conversation: conversation.id, target: seq });
    for (const reader of readers) {
      const { events } = await reader.ask("history.get", { conversation: conversation.id, after: seq - 1, limit: 1 });
      assert.deepEqual(events.map(messageOf), [{ content: { type: "deleted" } }]);
    }
  });

  test("[T1] [T35] a message of every type is told and kept as one of several that are sent at once, by both encodings", async () => {
    await using world = await WireWorld.open(open, codec);
    const readers = await Promise.all(codecs.map((other) => world.connect("bob", other)));
    const tutor = await world.connectBot("tutor");
    await registerKinds(world);
    const { conversation } = await tutor.ask("conversation.open", { with: world.user("bob") });
    const expected: object[] = [];
    for (let from = 0; from < goldenMessages.length; from += 5) {
      const messages = goldenMessages.slice(from, from + 5).map(({ message }) => message);
      const { seqs } = await tutor.ask("bot.send", { conversation: conversation.id, clientId: `s-${from}`, messages });
      assert.deepEqual(
        seqs,
        messages.map((_, index) => from + index + 1),
      );
      const total = messages.length;
      const told = messages.map((message, index) => (total > 1 ? { ...message, part: { index: index + 1, total } } : message));
      for (const reader of readers) for (const one of told) assert.deepEqual(messageOf(await reader.event("message.created")), one);
      expected.push(...told);
    }
    for (const reader of readers) {
      const { events } = await reader.ask("history.get", { conversation: conversation.id, after: 0, limit: 200 });
      assert.deepEqual(events.map(messageOf), expected);
    }
  });
}

async function registerKinds(world: WireWorld): Promise<void> {
  for (const [kind, schema] of Object.entries(goldenKinds)) await world.backend("PUT", `/v1/custom-kinds/${kind}`, { schema });
}

/** Content and envelope alone. */
function messageOf(event: LogEvent): object | undefined {
  if (event.type !== "message.created") return undefined;
  const {
    type: _type,
    conversation: _conversation,
    seq: _seq,
    at: _at,
    from: _from,
    clientId: _clientId,
    deleted: _deleted,
    changed: _changed,
    ...rest
  } = event;
  return rest;
}
