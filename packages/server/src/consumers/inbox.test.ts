/** The inbox of those who take over from bots: what waits, what is held, and how much one page costs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Control, ConversationId } from "@suda/protocol";
import { createTestGroup, TestServer, userId, type HttpAnswer } from "@suda/testing";

const unlimited = { limits: { commands: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } } } as const;
const httpCode = ({ status, body }: HttpAnswer): string => (status < 300 ? "ok" : String((body as { code?: string }).code));

describe("inbox", () => {
  test("[T32] the inbox lists what waits and what is held, longest first, by queue and agent, page by page, to the backend alone", async () => {
    await using suda = await TestServer.open(unlimited);
    await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" });
    await using alice = await suda.connect("alice");
    const direct = (await alice.request({ type: "conversation.open", with: userId("tutor") })).conversation.id;
    const group = (await createTestGroup(alice, ["tutor"])).id;
    const desk = async (user: string | undefined, what: string, conversation: ConversationId, body: object = {}): Promise<void> =>
      assert.equal((await suda.backend(user).post(`/v1/conversations/${conversation}/control/${what}`, body)).status, 200);
    const inbox = async (query = ""): Promise<{ items: string[]; more: boolean; next?: string }> => {
      const { status, body } = await suda.backend().get(`/v1/inbox${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      const { items, more, next } = body as { items: { conversation: { id: string } }[]; more: boolean; next?: string };
      return { items: items.map(({ conversation }) => conversation.id), more, ...(next !== undefined && { next }) };
    };
    const ids: ConversationId[] = [];
    for (const user of ["u1", "u2", "u3", "u4"]) {
      suda.clock.advance(1_000);
      const opened = await suda.backend().post("/v1/conversations", { kind: "direct", members: [user, "tutor"] });
      const { id } = (opened.body as { conversation: { id: ConversationId } }).conversation;
      ids.push(id);
      await desk(user, "handoff", id, { queue: user === "u3" ? "physics" : "math" });
    }
    await desk(undefined, "handoff", group);
    assert.deepEqual(await inbox(), { items: [...ids, group], more: false });
    assert.deepEqual(await inbox("?queue=math"), { items: [ids[0], ids[1], ids[3]], more: false });
    const first = await inbox("?queue=math&limit=2");
    assert.deepEqual([first.items, first.more], [[ids[0], ids[1]], true]);
    assert.deepEqual(await inbox(`?queue=math&limit=2&cursor=${first.next}`), { items: [ids[3]], more: false });
    assert.deepEqual(await inbox("?state=held"), { items: [], more: false });
    for (const [index, agent] of ["mina", "nari", "mina"].entries()) {
      suda.clock.advance(1_000);
      await desk(agent, "take", ids[index] as ConversationId);
    }
    assert.deepEqual(await inbox(), { items: [ids[3], group], more: false });
    assert.deepEqual(await inbox("?state=held"), { items: ids.slice(0, 3), more: false });
    assert.deepEqual(await inbox("?agent=mina"), { items: [ids[0], ids[2]], more: false });
    assert.deepEqual(await inbox("?agent=mina&queue=physics"), { items: [ids[2]], more: false });
    const { body } = await suda.backend().get("/v1/inbox?agent=nari");
    const [item] = (body as { items: { between: string[]; conversation: { control: Control; kind: string } }[] }).items;
    assert.deepEqual([item?.between.toSorted(), item?.conversation.control.agent, item?.conversation.kind], [["tutor", "u2"], "nari", "direct"]);
    const refused = async (query: string): Promise<string> => httpCode(await suda.backend().get(`/v1/inbox${query}`));
    for (const query of ["?state=busy", "?limit=0", "?limit=201", "?cursor=x", "?state=waiting&agent=mina", "?agent=a%20b", "?queue=", "?who=me"])
      assert.equal(await refused(query), "frame.invalid", query);
    assert.equal(httpCode(await suda.as("alice").get("/v1/inbox")), "auth.forbidden");
    assert.equal(httpCode(await suda.http().get("/v1/inbox")), "auth.required");
    assert.equal((await alice.request({ type: "conversation.get", conversation: direct })).conversation.control, undefined);
  });

  test("[T32] a page of the inbox looks at no more than a thousand, and the next one goes on", async () => {
    await using suda = await TestServer.open(unlimited);
    const { store } = suda;
    const room = (index: number): ConversationId => `r${String(index).padStart(4, "0")}` as ConversationId;
    for (let index = 0; index < 1_050; index++) {
      await store.conversations.create({ id: room(index), kind: "group", epoch: "e", createdAt: 1, members: [{ user: userId("olga"), role: "owner" }] });
      const queue = index >= 1_020 ? "rare" : "usual";
      await store.log.append(room(index), [{ from: userId("olga"), body: { type: "control.changed", holder: "none", epoch: 0, queue, reason: "handoff" } }]);
    }
    type Page = { items: { conversation: { id: string } }[]; more: boolean; next?: string };
    const first = (await suda.backend().get("/v1/inbox?queue=rare")).body as Page;
    assert.deepEqual([first.items, first.more], [[], true]);
    const second = (await suda.backend().get(`/v1/inbox?queue=rare&cursor=${first.next}`)).body as Page;
    assert.deepEqual([second.items.length, second.items[0]?.conversation.id, second.more], [30, room(1_020), false]);
  });
});
