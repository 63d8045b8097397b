/** S38: taps are judged at commit against the message as it is, what is used up stays so, and what follows a tap is stored with it or not at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { templateLimits, type Action, type MessageBody } from "@suda/protocol";
import { verifyStore, type AppendOutcome, type Draft, type InteractionBody, type LogBody, type LogEntry } from "@suda/server/store";
import { alice, bob, carol, checkLog, draft, key, lobby, says, storedSeq, World, type OpenStore } from "./world.ts";

const nameOf = (outcome: AppendOutcome | undefined): string | undefined => (outcome?.outcome === "rejected" ? outcome.reason : outcome?.outcome);
const button = (id: string, more: object = {}): Action => ({ type: "postback", id, label: id, data: `data of ${id}`, ...more });
const card = (...buttons: Action[]): LogBody => ({ type: "message.created", content: { type: "card", text: "?", buttons }, altText: "?" });
const edited = (target: number, ...buttons: Action[]): LogBody => ({ type: "message.edited", target, rev: 0, content: { type: "card", text: "!", buttons } });
const tap = (target: number, action: string, value?: InteractionBody["value"]): InteractionBody => ({
  type: "interaction.created",
  target,
  action,
  ...(value === undefined ? {} : { value }),
});
const remove = (target: number): LogBody => ({ type: "message.deleted", target });
const form = (more: object = {}): LogBody => ({
  type: "message.created",
  content: { type: "form", title: "?", fields: [{ id: "a", kind: "text", label: "a" }], ...more },
  altText: "?",
});

export function interactionRules(open: OpenStore): void {
  /** A group of alice, bob and carol in which alice has said seq 1. */
  async function offering(...said: LogBody[]): Promise<{ world: World; append: (...drafts: Draft[]) => Promise<readonly (string | undefined)[]> }> {
    const world = await World.open(open);
    await world.group(lobby, [alice, bob, carol]);
    const drafts = said.map((body) => draft(alice, body));
    if (drafts.length > 0) await world.store.log.append(lobby, drafts);
    return { world, append: async (...drafts) => (await world.store.log.append(lobby, drafts)).map(nameOf) };
  }

  test("[S38] a tap is stored with what its action says at that moment, and names the message's author", async () => {
    const { world, append } = await offering(card(button("a", { route: "r", displayText: "d" }), button("b", { once: true, data: undefined })));
    await using _world = world;
    assert.deepEqual(await append(draft(bob, tap(1, "a"))), ["stored"]);
    assert.deepEqual(await append(draft(alice, edited(1, button("a", { data: { n: 2 } }), button("b", { once: true })))), ["stored"]);
    assert.deepEqual(await append(draft(bob, tap(1, "a")), draft(carol, tap(1, "b", { any: "thing" }))), ["stored", "stored"]);
    const log = await checkLog(await world.reopen(), lobby);
    const kind = "postback";
    assert.deepEqual(log[1]?.body, { ...tap(1, "a"), to: alice, kind, data: "data of a", route: "r", displayText: "d" });
    assert.deepEqual(log[3]?.body, { ...tap(1, "a"), to: alice, kind, data: { n: 2 } });
    assert.deepEqual(log[4]?.body, { ...tap(1, "b", { any: "thing" }), to: alice, kind, data: "data of b", once: true });
    const { used, taps, changed } = log[0]?.annotation ?? {};
    assert.deepEqual([used, taps, changed], [[{ action: "b", seq: 5, at: world.clock.now() }], [2, 4, 5], 5]);
    assert.equal((await world.store.conversations.get(lobby))?.head.ordinal, 1, "a tap is no unread message");
    assert.equal((await world.store.conversations.member(lobby, carol))?.readSeq, 0, "and moves no mark");
  });

  test("[S38] [S24] a tap on what is not there (any more) is rejected, also of another edit than was looked at", async () => {
    const { world, append } = await offering(card(button("a"), button("b")), says("two"), card(button("a")));
    await using _world = world;
    await append(draft(alice, remove(3)));
    for (const [target, action, reason] of [
      [1, "c", "no_action"],
      [1, "submit", "no_action"],
      [2, "a", "no_action"],
      [3, "a", "deleted"],
      [4, "a", "no_message"],
      [5, "a", "no_message"],
    ] as const)
      assert.deepEqual(await append(draft(bob, tap(target, action)), draft(bob, says("beside"))), [reason, "withheld"], `${target} ${action}`);
    await append(draft(alice, edited(1, button("a"))));
    assert.deepEqual(await append({ ...draft(bob, tap(1, "a")), ifRev: 0 }), ["other_rev"]);
    assert.deepEqual(await append({ ...draft(bob, tap(1, "b")), ifRev: 0 }), ["no_action"], "it is gone, whatever was looked at");
    assert.deepEqual(await append({ ...draft(bob, tap(1, "a")), ifRev: 1 }), ["stored"]);
    assert.equal((await checkLog(world.store, lobby)).length, 6);
  });

  test("[S38] [S3] a tap with a key is stored once, whatever has become of its message; with another value it is a conflict", async () => {
    const { world, append } = await offering(form());
    await using _world = world;
    const first = draft(bob, tap(1, "submit", { a: "1" }), "k");
    assert.deepEqual(await append(first, first), ["stored", "duplicate"]);
    const checked = async (): Promise<void> => {
      assert.deepEqual(await world.store.log.append(lobby, [{ ...first, ifRev: 99 }]), [{ outcome: "duplicate", seq: 2, at: world.clock.now() }]);
      for (const other of [tap(1, "submit", { a: "2" }), tap(1, "submit"), tap(1, "a", { a: "1" }), tap(2, "submit", { a: "1" })])
        assert.deepEqual(await append(draft(bob, other, "k")), ["conflict"]);
    };
    await checked();
    await append(draft(alice, { type: "message.edited", target: 1, rev: 0, content: { type: "form", title: "other", fields: [] } }));
    await checked();
    await append(draft(alice, remove(1)));
    await world.reopen();
    await checked();
    await world.store.log.truncate(lobby, 3);
    await checked();
    await world.reopen();
    await checked();
  });

  test("[S38] what is used up gives the place of the first tap, also of two at once, and stores nothing of the append that follows it", async () => {
    const { world, append } = await offering(card(button("a", { once: true }), button("b")), form({ once: true }));
    await using _world = world;
    const tries = await Promise.all([bob, carol, bob].map((who) => world.store.log.append(lobby, [draft(who, tap(1, "a"))])));
    const at = world.clock.now();
    assert.equal(storedSeq(tries[0]?.[0]), 3);
    assert.deepEqual(tries.slice(1), [[{ outcome: "unchanged", seq: 3, at }], [{ outcome: "unchanged", seq: 3, at }]]);
    world.clock.time += 50;
    await world.reopen();
    assert.deepEqual(await world.store.log.append(lobby, [draft(carol, tap(1, "a"))]), [{ outcome: "unchanged", seq: 3, at }]);
    assert.deepEqual(await append(draft(bob, tap(1, "b")), draft(bob, tap(1, "b")), draft(bob, tap(2, "submit", { a: "1" }))), ["stored", "stored", "stored"]);
    assert.deepEqual(await append(draft(carol, tap(2, "submit", { a: "2" }))), ["unchanged"]);
    await append(draft(alice, edited(1)));
    assert.deepEqual(await append(draft(bob, tap(1, "a")), draft(bob, tap(1, "b"))), ["unchanged", "no_action"], "used up stays so; what was not is gone");
    assert.deepEqual(await append(draft(bob, tap(1, "a"))), ["unchanged"]);
    assert.equal((await checkLog(world.store, lobby)).length, 7);
  });

  test("[S38] of quick replies the first one that is tapped uses up all", async () => {
    const quickReplies: MessageBody["quickReplies"] = ["yes", "no"].map((id) => ({ action: button(id) }));
    const { world, append } = await offering({
      type: "message.created",
      content: { type: "card", text: "?", buttons: [button("a")] },
      altText: "?",
      quickReplies,
    });
    await using _world = world;
    assert.deepEqual(await append(draft(bob, tap(1, "no")), draft(carol, tap(1, "yes")), draft(bob, tap(1, "no"))), ["stored", "unchanged", "unchanged"]);
    assert.deepEqual(await append(draft(carol, tap(1, "yes")), draft(carol, tap(1, "a"))), ["unchanged", "stored"]);
    const [first] = await checkLog(await world.reopen(), lobby);
    assert.deepEqual(first?.annotation?.used, [{ action: "no", seq: 2, at: world.clock.now() }]);
    assert.deepEqual(first?.body.type === "message.created" && first.body.quickReplies, quickReplies, "the entry is as it was appended");
  });

  test("[S38] a form takes answers until the log's time is its expiresAt", async () => {
    const { world, append } = await offering();
    await using _world = world;
    const expiresAt = world.clock.now() + 10;
    await append(draft(alice, form({ expiresAt })));
    world.clock.time = expiresAt - 1;
    assert.deepEqual(await append(draft(bob, tap(1, "submit"), "k")), ["stored"]);
    world.clock.time = expiresAt;
    assert.deepEqual(await append(draft(bob, tap(1, "submit"))), ["expired"]);
    assert.deepEqual(await append(draft(bob, tap(1, "submit"), "k")), ["duplicate"]);
    await append(draft(bob, says("later")));
    world.clock.time = 0;
    assert.deepEqual(await append(draft(bob, tap(1, "submit"))), ["expired"], "a clock that went back does not open it again");
  });

  test("[S38] [S4] what follows a tap is stored beside it, or with it not at all, and is not looked up without it", async () => {
    const { world, append } = await offering(card(button("a", { once: true }), button("b")));
    await using _world = world;
    const after = (text: string, clientId: string): Draft => ({ ...draft(bob, says(text), clientId), follows: true });
    const whole = [draft(bob, tap(1, "a"), "t"), after("said", "s"), { ...after("more", "m"), roles: ["member"] }] as const;
    assert.deepEqual(await append(draft(bob, tap(1, "b")), { ...after("never", "n"), roles: ["owner"] }), ["withheld", "refused"]);
    assert.deepEqual(await append(...whole), ["stored", "stored", "stored"]);
    assert.deepEqual(await append(...whole), ["duplicate", "withheld", "withheld"]);
    assert.deepEqual(await append(draft(carol, tap(1, "a")), after("other words", "s"), draft(carol, says("by itself"))), ["unchanged", "withheld", "stored"]);
    assert.deepEqual(await append(after("first of all", "f")), ["withheld"]);
    assert.deepEqual(
      (await checkLog(await world.reopen(), lobby)).map(({ body }) => body.type),
      ["message.created", "interaction.created", "message.created", "message.created", "message.created"],
    );
  });

  test("[S26] [S38] a deletion erases what taps said; who tapped what stays, and so do digest, hash and key", async () => {
    const { world, append } = await offering(card(button("a", { data: "secret", displayText: "secret", route: "kept" })), form());
    await using _world = world;
    await append(draft(bob, tap(1, "a"), "a"), draft(bob, tap(2, "submit", { a: "secret" }), "s"));
    const before = await checkLog(world.store, lobby);
    assert.equal(JSON.stringify(before.slice(2)).match(/secret/g)?.length, 3);
    await append(draft(alice, remove(2)), draft(alice, remove(1)));
    for (const isReopened of [false, true]) {
      const store = isReopened ? await world.reopen() : world.store;
      const log = await checkLog(store, lobby);
      assert.doesNotMatch(JSON.stringify(log), /secret/);
      assert.deepEqual(log[2]?.body, { ...tap(1, "a"), to: alice, kind: "postback", route: "kept", erased: true });
      assert.deepEqual(log[3]?.body, { ...tap(2, "submit"), to: alice, kind: "submit", erased: true });
      for (const [index, entry] of before.entries()) assert.deepEqual([log[index]?.digest, log[index]?.hash], [entry.digest, entry.hash]);
      assert.deepEqual(await append(draft(bob, tap(2, "submit", { a: "secret" }), "s")), ["duplicate"]);
      assert.deepEqual(await append(draft(bob, tap(2, "submit", { a: "public" }), "s")), ["conflict"]);
    }
  });

  test("[S31] [S38] what goes by truncation takes what its taps said along, wherever they are", async () => {
    const { world, append } = await offering(form(), says("two"));
    await using _world = world;
    await append(draft(bob, tap(1, "submit", { a: "secret" }), "s"), draft(alice, form()), draft(bob, tap(4, "submit", { a: "stays" })));
    await world.store.log.truncate(lobby, 3);
    assert.deepEqual(await append(draft(bob, tap(1, "submit"))), ["no_message"]);
    const store = await world.reopen();
    const log = await checkLog(store, lobby);
    assert.deepEqual(log[0]?.body, { ...tap(1, "submit"), to: alice, kind: "submit", erased: true });
    assert.deepEqual(log[2]?.body.type === "interaction.created" && log[2].body.value, { a: "stays" });
    assert.deepEqual(await findings(world), []);
  });

  test("[S38] a message keeps 1,000 taps that may say something and 100 actions that are used up; a deletion still erases all", async () => {
    const buttons = (first: number): Action[] => Array.from({ length: 3 }, (_, index) => button(`b${first + index}`, { once: true }));
    const carousel = (first: number): LogBody => ({
      type: "message.edited",
      target: 2,
      rev: 0,
      content: { type: "carousel", items: Array.from({ length: 12 }, (_, item) => ({ type: "card", text: "?", buttons: buttons(first + item * 3) })) },
    });
    const share: Action = { type: "share", id: "share", label: "share" };
    const { world, append } = await offering(card(button("a"), share), { ...carousel(0), type: "message.created", altText: "?" } as unknown as LogBody);
    await using _world = world;
    for (let round = 0; round < templateLimits.tapsMax / 100; round++)
      assert.deepEqual(new Set(await append(...Array.from({ length: 100 }, (_, index) => draft(bob, tap(1, "a"), `${round}-${index}`)))), new Set(["stored"]));
    assert.deepEqual(await append(draft(bob, tap(1, "a"))), ["full"]);
    assert.deepEqual(await append(draft(bob, tap(1, "share"))), ["stored"], "which says nothing");
    assert.deepEqual(await append(draft(bob, tap(1, "a"), "3-7")), ["duplicate"]);
    for (let used = 0; used < templateLimits.usedMax; used++) {
      if (used > 0 && used % 36 === 0) assert.deepEqual(await append(draft(alice, carousel(used))), ["stored"]);
      assert.deepEqual(await append(draft(bob, tap(2, `b${used}`))), ["stored"]);
    }
    assert.deepEqual(await append(draft(bob, tap(2, "b100"))), ["full"]);
    assert.deepEqual(await append(draft(bob, tap(2, "b99"))), ["unchanged"]);
    assert.deepEqual(await append(draft(alice, remove(1)), draft(alice, remove(2))), ["stored", "stored"]);
    const log = await checkLog(await world.reopen(), lobby);
    const taps = log.filter((entry): entry is LogEntry & { body: InteractionBody } => entry.body.type === "interaction.created");
    assert.equal(taps.length, templateLimits.tapsMax + 1 + templateLimits.usedMax);
    assert.deepEqual(
      taps.filter(({ body }) => (body.erased === true) !== (body.action !== "share") || body.data !== undefined),
      [],
    );
    assert.deepEqual(await findings(world), []);
  });

  test("[S29] [S38] in a direct conversation a block refuses taps, in the moment of storing", async () => {
    const world = await World.open(open);
    await using _world = world;
    const { store, clock } = world;
    const members = [alice, bob].map((user) => ({ user, role: "member" as const }));
    await store.conversations.create({ id: lobby, kind: "direct", epoch: "e", createdAt: clock.now(), members });
    await store.log.append(lobby, [draft(alice, card(button("a")))]);
    const attempt = async (): Promise<unknown> => (await store.log.append(lobby, [{ ...draft(bob, tap(1, "a")), asMember: true }]))[0];
    await store.conversations.updateMember(lobby, alice, { isBlocking: true });
    assert.deepEqual(await attempt(), { outcome: "refused", reason: "blocked" });
    await store.conversations.updateMember(lobby, alice, { isBlocking: null });
    assert.equal(nameOf((await attempt()) as AppendOutcome), "stored");
    assert.deepEqual(
      (await store.log.append(lobby, [{ ...draft(bob, tap(1, "a")), clientId: key("k") }])).map(nameOf),
      ["stored"],
      "without asMember in any case",
    );
  });

  async function findings({ store }: World): Promise<unknown[]> {
    const found: unknown[] = [];
    await verifyStore(store, (finding) => found.push(finding));
    return found;
  }
}
