/** Groups: roles, the last owner, who may do what, limits, and creation that can be retried. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConversationId, Role } from "@suda/protocol";
import { clientId, codeOf, conversationId, createTestGroup, say, TestServer, textOf, userId, type WebSocketCommunicator } from "@suda/testing";

interface Cast extends AsyncDisposable {
  readonly suda: TestServer;
  readonly id: ConversationId;
  readonly as: Readonly<Record<"owner" | "admin" | "member" | "other" | "stranger", WebSocketCommunicator>>;
}

/** A group with an owner, an admin and two members, and a stranger who is in none. */
async function openCast(): Promise<Cast> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
  const names = ["owner", "admin", "member", "other", "stranger"] as const;
  const connections = await Promise.all(names.map(async (name) => [name, await suda.connect(name)] as const));
  const as = Object.fromEntries(connections) as unknown as Cast["as"];
  const { id } = await createTestGroup(as.owner, ["admin", "member", "other"]);
  await setRole(as.owner, id, "admin", "admin");
  return {
    suda,
    id,
    as,
    async [Symbol.asyncDispose]() {
      for (const [, connection] of connections) await connection[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

const setRole = (by: WebSocketCommunicator, conversation: ConversationId, user: string, role: Role): ReturnType<WebSocketCommunicator["answer"]> =>
  by.answer({ type: "member.update", conversation, user, role });
const remove = (by: WebSocketCommunicator, conversation: ConversationId, user: string): ReturnType<WebSocketCommunicator["answer"]> =>
  by.answer({ type: "member.remove", conversation, user });

async function rolesOf(connection: WebSocketCommunicator, conversation: ConversationId): Promise<Record<string, Role>> {
  const { members } = await connection.request({ type: "member.list", conversation });
  return Object.fromEntries(members.map(({ user, role }) => [user, role]));
}

/** Every command about a conversation, as `who` would send it. */
const aboutConversation = (conversation: string): readonly object[] => [
  { type: "conversation.get", conversation },
  { type: "conversation.update", conversation, title: "x" },
  { type: "member.list", conversation },
  { type: "member.add", conversation, users: ["x"] },
  { type: "member.remove", conversation, user: "member" },
  { type: "member.update", conversation, user: "member", role: "admin" },
  { type: "member.leave", conversation },
  { type: "message.send", conversation, clientId: "k", content: textOf("x") },
  { type: "history.get", conversation },
  { type: "receipt.read", conversation, seq: 1 },
];

describe("groups", () => {
  test("[A1] a stranger gets not_found for every command, with the words for what does not exist", async () => {
    await using cast = await openCast();
    for (const [index, command] of aboutConversation(cast.id).entries()) {
      const refusal = await cast.as.stranger.answer(command);
      const nowhere = await cast.as.stranger.answer(aboutConversation("g.01HF7YAT00000000000000000")[index] as object);
      assert.deepEqual({ ...refusal, ref: 0 }, { ...nowhere, ref: 0 }, JSON.stringify(command));
      assert.equal(codeOf(refusal), "conversation.not_found", JSON.stringify(command));
    }
    assert.equal((await cast.as.owner.request({ type: "conversation.get", conversation: cast.id })).conversation.head, 1, "nothing was done");
  });

  test("[A2] a removed member, and one that left, is a stranger, for what was said before too", async () => {
    await using cast = await openCast();
    await say(cast.as.owner, cast.id, "before");
    assert.equal(codeOf(await remove(cast.as.owner, cast.id, "member")), "ok");
    assert.equal(codeOf(await cast.as.other.answer({ type: "member.leave", conversation: cast.id })), "ok");
    for (const gone of [cast.as.member, cast.as.other]) {
      for (const command of aboutConversation(cast.id)) assert.equal(codeOf(await gone.answer(command)), "conversation.not_found", JSON.stringify(command));
      assert.deepEqual((await gone.request({ type: "conversation.list" })).conversations, []);
    }
  });

  test("[A2] [D3] who was removed is told of what was stored before when they retry, and nothing else", async () => {
    await using cast = await openCast();
    const { owner, member } = cast.as;
    const send = { type: "message.send", conversation: cast.id, content: { type: "text", text: "x" } } as const;
    const { seq, at } = await member.request({ ...send, clientId: clientId("mine") });
    await remove(owner, cast.id, "member");
    const again = await member.request({ ...send, clientId: clientId("mine") });
    assert.deepEqual([again.seq, again.at, again.duplicate], [seq, at, true]);
    assert.equal(codeOf(await member.answer({ ...send, clientId: clientId("new") })), "conversation.not_found");
  });

  test("[A3] what each role may do", async () => {
    const may: readonly (readonly [(id: ConversationId) => object, Record<"owner" | "admin" | "member", string>])[] = [
      [(conversation) => ({ type: "conversation.update", conversation, title: "새 이름" }), { owner: "ok", admin: "ok", member: "member.forbidden" }],
      [(conversation) => ({ type: "member.add", conversation, users: ["new"] }), { owner: "ok", admin: "ok", member: "member.forbidden" }],
      [(conversation) => ({ type: "member.remove", conversation, user: "other" }), { owner: "ok", admin: "ok", member: "member.forbidden" }],
      [(conversation) => ({ type: "member.remove", conversation, user: "owner2" }), { owner: "ok", admin: "member.forbidden", member: "member.forbidden" }],
      [(conversation) => ({ type: "member.remove", conversation, user: "admin2" }), { owner: "ok", admin: "member.forbidden", member: "member.forbidden" }],
      [
        (conversation) => ({ type: "member.update", conversation, user: "other", role: "admin" }),
        { owner: "ok", admin: "member.forbidden", member: "member.forbidden" },
      ],
      [
        (conversation) => ({ type: "member.remove", conversation, user: "nobody" }),
        { owner: "member.not_found", admin: "member.not_found", member: "member.forbidden" },
      ],
      [(conversation) => ({ type: "member.leave", conversation }), { owner: "ok", admin: "ok", member: "ok" }],
    ];
    for (const [command, expected] of may) {
      for (const role of ["owner", "admin", "member"] as const) {
        await using cast = await openCast();
        await cast.as.owner.request({ type: "member.add", conversation: cast.id, users: [userId("owner2"), userId("admin2")] });
        await setRole(cast.as.owner, cast.id, "owner2", "owner");
        await setRole(cast.as.owner, cast.id, "admin2", "admin");
        assert.equal(codeOf(await cast.as[role].answer(command(cast.id))), expected[role], `${role}: ${JSON.stringify(command(cast.id))}`);
      }
    }
  });

  test("[A4] the last owner cannot leave, be removed or step down; with another one it can, and the only member may go", async () => {
    await using cast = await openCast();
    const { owner, member } = cast.as;
    const leave = { type: "member.leave", conversation: cast.id };
    for (const attempt of [
      leave,
      { type: "member.remove", conversation: cast.id, user: "owner" },
      { type: "member.update", conversation: cast.id, user: "owner", role: "member" },
    ])
      assert.equal(codeOf(await owner.answer(attempt)), "member.last_owner", JSON.stringify(attempt));
    await setRole(owner, cast.id, "member", "owner");
    assert.equal(codeOf(await owner.answer(leave)), "ok");
    assert.deepEqual(await rolesOf(member, cast.id), { admin: "admin", member: "owner", other: "member" });
    for (const user of ["admin", "other"]) await remove(member, cast.id, user);
    assert.equal(codeOf(await member.answer(leave)), "ok", "the only member");
  });

  test("[A6] two owners who leave, or remove each other, at once do not leave the group without one", async () => {
    for (const attempt of ["leave", "remove", "step down"]) {
      await using cast = await openCast();
      const { owner, member } = cast.as;
      await setRole(owner, cast.id, "member", "owner");
      const command = (self: string, other: string): object =>
        attempt === "leave"
          ? { type: "member.leave", conversation: cast.id }
          : attempt === "remove"
            ? { type: "member.remove", conversation: cast.id, user: other }
            : { type: "member.update", conversation: cast.id, user: self, role: "member" };
      const answers = await Promise.all([owner.answer(command("owner", "member")), member.answer(command("member", "owner"))]);
      assert.equal(answers.filter((answer) => codeOf(answer) === "ok").length, 1, `${attempt}: ${answers.map(codeOf).join()}`);
      const { body } = await cast.suda.backend().get(`/v1/conversations/${cast.id}/members`);
      const owners = (body as { members: { role: Role }[] }).members.filter(({ role }) => role === "owner");
      assert.equal(owners.length, 1, attempt);
    }
  });

  test("[C5] the creator owns a group, the others are members, each once; more than allowed is conversation.full", async () => {
    await using suda = await TestServer.open({ limits: { maxMembers: 4 } });
    await using alice = await suda.connect("alice");
    const { id, memberCount, role, createdBy } = await createTestGroup(alice, ["bob", "bob", "alice", "jimin"]);
    assert.deepEqual([memberCount, role, createdBy], [3, "owner", "alice"]);
    assert.deepEqual(await rolesOf(alice, id), { alice: "owner", bob: "member", jimin: "member" });
    const add = (users: readonly string[]): ReturnType<typeof alice.answer> => alice.answer({ type: "member.add", conversation: id, users });
    assert.equal(codeOf(await add(["u1", "u2"])), "conversation.full");
    assert.equal(codeOf(await add(["u1", "u1", "bob"])), "ok", "four are allowed");
    assert.equal(codeOf(await add(["u2"])), "conversation.full");
    assert.equal(codeOf(await alice.answer({ type: "conversation.create", members: ["a", "b", "c", "d"] })), "conversation.full");
    assert.equal(codeOf(await alice.answer({ type: "conversation.create", members: ["a", "b", "c"] })), "ok");
  });

  test("[C8] those who are members are passed over; if all are, nothing is written and the head comes back", async () => {
    await using cast = await openCast();
    const { owner, other } = cast.as;
    const before = await owner.request({ type: "conversation.get", conversation: cast.id });
    const nothing = await owner.request({ type: "member.add", conversation: cast.id, users: [userId("other"), userId("owner")] });
    assert.equal(nothing.seq, before.conversation.head);
    await owner.request({ type: "member.add", conversation: cast.id, users: [userId("other"), userId("new"), userId("new")] });
    const added = await other.event("member.added");
    assert.deepEqual([added.seq, added.users, added.from], [nothing.seq + 1, ["new"], "owner"]);
    assert.equal((await setRole(owner, cast.id, "new", "member")).type, "reply", "the role that it has: nothing to do");
    assert.equal((await owner.request({ type: "conversation.get", conversation: cast.id })).conversation.head, added.seq);
  });

  test("[C3] a creation is retried by its clientId: one group, also at once, for each user their own", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using phone = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const create = { type: "conversation.create" as const, clientId: clientId("c"), title: "팀", members: [userId("carol")] };
    const made = await Promise.all([alice, phone, alice, phone].map((connection) => connection.request(create)));
    const [first] = made;
    assert.ok(first !== undefined, "made");
    for (const { conversation } of made) assert.equal(conversation.id, first.conversation.id);
    assert.notEqual((await bob.request(create)).conversation.id, first.conversation.id);
    assert.equal((await alice.request({ type: "conversation.list" })).conversations.length, 1);
    assert.notEqual((await alice.request({ ...create, clientId: clientId("d") })).conversation.id, first.conversation.id);
    // Who has left is answered that the id is taken, and nothing of the group.
    await setRole(alice, first.conversation.id, "carol", "owner");
    await alice.request({ type: "member.leave", conversation: first.conversation.id });
    assert.equal(codeOf(await alice.answer(create)), "conversation.conflict");
  });

  test("[C11] an update changes the named fields, null removes, the event holds only what changed", async () => {
    await using cast = await openCast();
    const { owner, member } = cast.as;
    const update = (fields: object): ReturnType<typeof owner.answer> => owner.answer({ type: "conversation.update", conversation: cast.id, ...fields });
    assert.equal(codeOf(await update({})), "frame.invalid");
    await update({ title: "새 이름", data: { color: "파랑" } });
    const event = await member.event("conversation.updated");
    assert.deepEqual([event.title, event.data, "avatar" in event], ["새 이름", { color: "파랑" }, false]);
    await update({ avatar: "https://a.example/x.png", data: null });
    const { conversation } = await member.request({ type: "conversation.get", conversation: cast.id });
    assert.deepEqual([conversation.title, conversation.avatar, "data" in conversation], ["새 이름", "https://a.example/x.png", false]);
    assert.deepEqual((await member.event("conversation.updated")).data, null);
  });

  test("[A5] a direct conversation has its two members for good", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    for (const command of [
      { type: "conversation.update", title: "x" },
      { type: "member.add", users: ["carol"] },
      { type: "member.remove", user: "bob" },
      { type: "member.update", user: "bob", role: "owner" },
      { type: "member.leave" },
    ])
      assert.equal(codeOf(await alice.answer({ ...command, conversation: conversation.id })), "conversation.direct", command.type);
    assert.equal(
      codeOf(
        await suda
          .backend()
          .post(`/v1/conversations/${conversation.id}/members`, { users: ["carol"] })
          .then(({ body }) => body as never),
      ),
      "conversation.direct",
    );
    assert.equal(await say(alice, conversation.id, "안녕"), 1);
  });

  test("[C1] [C2] a direct conversation is one, from either side and at once; with oneself it has one member", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0 ? alice.request({ type: "conversation.open", with: userId("bob") }) : bob.request({ type: "conversation.open", with: userId("alice") }),
      ),
    );
    for (const [index, { conversation }] of opened.entries()) {
      assert.equal(conversation.id, "d.HLFUV9Hdq2DiBcD-PKL2XR", "the id that docs/PROTOCOL.md derives");
      assert.deepEqual([conversation.kind, conversation.with, conversation.memberCount], ["direct", index % 2 === 0 ? "bob" : "alice", 2]);
    }
    assert.equal(new Set(opened.map(({ conversation }) => conversation.epoch)).size, 1);
    const { conversation: notes } = await alice.request({ type: "conversation.open", with: userId("alice") });
    assert.deepEqual([notes.with, notes.memberCount], ["alice", 1]);
    assert.notEqual(notes.id, conversationId("d.HLFUV9Hdq2DiBcD-PKL2XR"));
    assert.equal(await say(alice, notes.id, "to do"), 1);
    // The newline between keeps pairs apart that would be the same glued together.
    const ids = await Promise.all(
      [
        ["a", "bc"],
        ["ab", "c"],
      ].map(async ([one = "", other = ""]) => (await suda.backend().post("/v1/conversations", { kind: "direct", members: [one, other] })).body),
    );
    assert.notDeepEqual(...(ids as [object, object]));
  });

  test("[C14] an entity lies inside its text, counted in code points", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    const { id } = await createTestGroup(alice, []);
    const mention = (offset: number, length: number, key: string): ReturnType<typeof alice.answer> =>
      alice.answer({
        type: "message.send",
        conversation: id,
        clientId: key,
        content: { type: "text", text: "👋@bob", entities: [{ type: "mention", user: "bob", offset, length }] },
      });
    assert.equal(codeOf(await mention(1, 4, "a")), "ok");
    const beyond = await mention(1, 5, "b");
    assert.ok(beyond.type === "error", "refused");
    assert.deepEqual([beyond.code, beyond.path], ["frame.invalid", "/content/entities/0"]);
    assert.equal(codeOf(await mention(5, 1, "c")), "frame.invalid");
  });

  test("[A10] [C18] one changes one's own profile, everybody reads it, null removes; an unknown one is user.not_found", async () => {
    await using suda = await TestServer.open();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await alice.request({ type: "user.update", name: "앨리스", avatar: "https://a.example/a.png", data: { team: "a" } });
    await alice.request({ type: "user.update", avatar: null });
    assert.deepEqual((await bob.request({ type: "user.get", user: userId("alice") })).user, { id: "alice", name: "앨리스", data: { team: "a" } });
    assert.equal(codeOf(await bob.answer({ type: "user.get", user: "nobody" })), "user.not_found");
    assert.equal(codeOf(await bob.answer({ type: "user.update", bot: true })), "frame.invalid", "nobody makes themselves a bot");
  });
});
