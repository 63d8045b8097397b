/**
 * The conformance suite of stores that can be moved from and into: S55 and S56 of docs/contracts/store.md. A driver's own
 * test calls {@link storeMovingSuite} beside `storeSuite`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConversationId, UserId } from "@suda/protocol";
import {
  canonicalJson,
  documentCollections,
  StoreMove,
  verifyStore,
  type CreationKey,
  type Finding,
  type LeftKey,
  type Store,
  type StoreTarget,
} from "@suda/server/store";
import { SeededRandom } from "./seeded-random.ts";
import { MovingLife } from "./store-suite/moving-life.ts";
import { readLog, World, type OpenStore } from "./store-suite/world.ts";

export interface StoreMovingOptions {
  /** A store to move from: has a `source`. */
  readonly openSource: OpenStore;
  /** A fresh, empty store to move into: has a `target`. */
  readonly openTarget: OpenStore;
  /** How much is written; default 400 steps, less for slow engines. */
  readonly steps?: number;
}

/** Everything that the contract shows of a store, in one order. */
export async function readStore(store: Store, users: readonly UserId[]): Promise<Readonly<Record<string, unknown>>> {
  const { conversations, log, documents } = store;
  const seen: Record<string, unknown> = {};
  const ids = await conversations.list(undefined, 1_000);
  for (const id of ids) {
    const entries = await readLog(store, id);
    const seqs = entries.map(({ seq }) => seq);
    // Of a deleted message nobody asks who reacted.
    const reacted = entries.flatMap(({ seq, annotation }) => (annotation?.reactions === undefined ? [] : [seq]));
    seen[`${id} record`] = await conversations.get(id);
    seen[`${id} members`] = await conversations.members(id, undefined, 10_000);
    for (const entry of entries) seen[`${id} ${entry.seq}`] = entry;
    for (const user of users) {
      seen[`${id} reactions of ${user}`] = Object.fromEntries(await log.reactedBy(id, user, reacted));
      seen[`${id} hidden by ${user}`] = [...(await conversations.hiddenBy(id, user, seqs))].sort((one, other) => one - other);
    }
  }
  for (const user of users) {
    const { change, memberships } = await conversations.memberships(user);
    seen[`lists of ${user}`] = [change, [...memberships].sort((one, other) => (one.conversation < other.conversation ? -1 : 1))];
    seen[`profile of ${user}`] = await store.users.getMany([user]);
  }
  for (const collection of documentCollections) if (collection !== "moves") seen[collection] = await documents.list(collection, undefined, 100);
  seen["retention"] = await conversations.withRetention(undefined, 1_000);
  for (const holder of ["human", "none"] as const) seen[`control ${holder}`] = await conversations.withControl(holder, undefined, 1_000);
  return seen;
}

async function assertSame(from: Store, to: Store): Promise<void> {
  const users = (await from.source?.users(undefined, 1_000)) ?? [];
  const [there, here] = [await readStore(from, users), await readStore(to, users)];
  assert.deepEqual(Object.keys(here), Object.keys(there));
  for (const [what, value] of Object.entries(there)) assert.equal(canonicalJson(here[what]), canonicalJson(value), what);
  const findings: Finding[] = [];
  await verifyStore(to, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
}

/** A retry of what is in the log, and of what was truncated, finds it; what is new goes on behind the head (S1, S3, S11). */
async function assertGoesOn(life: MovingLife, from: Store, to: Store): Promise<void> {
  for (const { id, from: sender, clientId, body, seq } of life.sent) {
    const [outcome] = await to.log.append(id, [{ from: sender, clientId, body }], { onlyKnown: true });
    assert.deepEqual(outcome?.outcome === "duplicate" ? outcome.seq : outcome, seq, `${id} ${clientId}`);
  }
  for (let after: CreationKey | undefined; ; ) {
    const page: readonly CreationKey[] = (await from.source?.creations(after, 100)) ?? [];
    for (const { user, clientId, conversation } of page) {
      const again = {
        id: "another" as ConversationId,
        kind: "group",
        epoch: "e",
        createdAt: 1,
        key: { user, clientId },
        members: [{ user, role: "owner" }],
      } as const;
      const made = await to.conversations.create(again);
      assert.deepEqual([made.outcome, made.conversation.id], ["existing", conversation]);
    }
    after = page.at(-1);
    if (after === undefined) break;
  }
  for (const id of life.conversations) {
    const head = (await to.conversations.get(id))?.head;
    const [outcome] = await to.log.append(id, [{ from: "alice" as UserId, body: { type: "message.created", content: { type: "text", text: "on" } } }]);
    assert.equal(outcome?.outcome === "stored" ? outcome.entry.seq : undefined, (head?.seq ?? 0) + 1);
  }
}

class Killed extends Error {}

/** A target whose calls fail from the `after`th on: half of them before anything is written, half afterwards. */
function dying(to: Store, after: number): Store {
  let calls = 0;
  const target = to.target as StoreTarget;
  const wrapped = Object.fromEntries(
    Object.entries(target).map(([name, put]) => [
      name,
      async (...args: unknown[]): Promise<void> => {
        calls++;
        if (calls > after || (calls === after && after % 2 === 0)) throw new Killed();
        await (put as (...all: unknown[]) => Promise<void>).apply(target, args);
        if (calls === after) throw new Killed();
      },
    ]),
  ) as unknown as StoreTarget;
  return { log: to.log, conversations: to.conversations, users: to.users, documents: to.documents, target: wrapped } as unknown as Store;
}

/** Registers the suite as node:test tests under `store moving: name`. */
export function storeMovingSuite(name: string, { openSource, openTarget, steps = 400 }: StoreMovingOptions): void {
  describe(`store moving: ${name}`, () => {
    test("[S55] [S56] a store that was moved shows the same, knows the same keys, and goes on; also what changed between two passes", async () => {
      for (const seed of [1, 2]) {
        await using source = await World.open(openSource);
        await using target = await World.open(openTarget);
        const life = new MovingLife(source.store, new SeededRandom(seed));
        await life.live(steps);
        const move = new StoreMove({ from: source.store, to: target.store, parallel: 4 });
        assert.ok((await move.pass(1)).copied > 0);
        await assertSame(source.store, target.store);
        await life.live(steps);
        assert.notDeepEqual((await move.verify()).differences, [], "the source went on");
        assert.deepEqual((await move.verify({ isLive: true })).differences, []);
        await move.pass(2);
        const verdict = await move.verify();
        assert.deepEqual(verdict.differences, []);
        await assertSame(source.store, await target.reopen());
        assert.equal((await new StoreMove({ from: source.store, to: target.store }).pass(3)).entries, 0, "what is there already is not copied");
        await assertGoesOn(life, source.store, target.store);
      }
    });

    test("[S55] [S57] a move that ends anywhere goes on from there, while the source goes on too", async () => {
      await using source = await World.open(openSource);
      await using target = await World.open(openTarget);
      const life = new MovingLife(source.store, new SeededRandom(7));
      await life.live(steps);
      let pass = 0;
      for (let after = 1; ; after = Math.ceil(after * 1.4)) {
        try {
          await new StoreMove({ from: source.store, to: dying(target.store, after) }).pass(++pass);
          break;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
        await life.live(10);
      }
      assert.ok(pass > 5, `${pass} passes`);
      assert.deepEqual((await new StoreMove({ from: source.store, to: target.store }).verify()).differences, []);
      await assertSame(source.store, target.store);
      await assertGoesOn(life, source.store, target.store);
    });

    test("[S55] the lists that only a move reads are whole, page by page", async () => {
      await using source = await World.open(openSource);
      const life = new MovingLife(source.store, new SeededRandom(3));
      await life.live(steps);
      const lists = source.store.source;
      assert.ok(lists);
      const pages = async <T>(read: (after: T | undefined, limit: number) => Promise<readonly T[]>, limit: number): Promise<T[]> => {
        const all: T[] = [];
        for (let page = await read(undefined, limit); page.length > 0; page = await read(all.at(-1), limit)) all.push(...page);
        return all;
      };
      assert.deepEqual(await pages<UserId>((after, limit) => lists.users(after, limit), 2), await lists.users(undefined, 1_000));
      assert.deepEqual(await pages<CreationKey>((after, limit) => lists.creations(after, limit), 2), await lists.creations(undefined, 1_000));
      for (const id of life.conversations) {
        const left = (after: LeftKey | undefined, limit: number): Promise<readonly LeftKey[]> => lists.leftKeys(id, after, limit);
        assert.deepEqual(await pages(left, 2), await left(undefined, 1_000));
        const floor = (await source.store.conversations.get(id))?.floor?.seq ?? 0;
        assert.deepEqual(
          (await left(undefined, 1_000)).map(({ clientId }) => clientId).sort(),
          life.sent.flatMap((one) => (one.id === id && one.seq <= floor ? [one.clientId] : [])).sort(),
        );
      }
    });

    test("[S57] a copy that is not the same is found, with its place", async () => {
      await using source = await World.open(openSource);
      await using target = await World.open(openTarget);
      const life = new MovingLife(source.store, new SeededRandom(5));
      await life.live(steps);
      await new StoreMove({ from: source.store, to: target.store }).pass(1);
      const put = target.store.target as StoreTarget;
      const id = life.conversations.find((one) => life.sent.some((message) => message.id === one)) as ConversationId;
      const log = await readLog(source.store, id);
      const entry = log.findLast(({ body }) => body.type === "message.created" && body.content.type === "text");
      assert.ok(entry);
      const changed = { ...entry, body: { type: "message.created", content: { type: "text", text: "changed" } } } as const;
      await put.putEntries(id, [changed], [], 2);
      const { differences } = await new StoreMove({ from: source.store, to: target.store }).verify();
      assert.deepEqual(differences, [`conversation ${id}, seq ${entry.seq}: the entry is not what its rolling hash says`]);
    });
  });
}
