/** What only a store of several processes can get wrong: stores that write at once, answers that are lost, writers that die halfway. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { systemClock, systemRandom, type ClientId, type ConversationId, type UserId } from "@suda/protocol";
import { verifyStore, type AppendOutcome, type Draft, type LogEntry, type Store } from "@suda/server/store";
import { CassandraServer, skipWithoutCassandra, TcpProxy } from "@suda/testing";
import { Client, types } from "cassandra-driver";
import { Cluster } from "./cluster.ts";
import type { CassandraStore } from "./cassandra-store.ts";
import { readState } from "./conversation-state.ts";
import { ConversationWriter } from "./conversation-writer.ts";
import { Memberships } from "./memberships.ts";
import { initCassandraStore, openCassandraStore, type CassandraConnection } from "./open-cassandra-store.ts";
import { bucketSeqs, migrations, schemaVersion } from "./schema.ts";
import { Settler } from "./settler.ts";
import { appendCall } from "./store-calls.ts";

const [alice, bob, carol] = ["alice", "bob", "carol"] as [UserId, UserId, UserId];

function says(from: UserId, text: string, clientId?: string): Draft {
  return { from, body: { type: "message.created", content: { type: "text", text } }, ...(clientId === undefined ? {} : { clientId: clientId as ClientId }) };
}

async function group(store: Store, name: string, members: readonly UserId[] = [alice, bob]): Promise<ConversationId> {
  const id = name as ConversationId;
  await store.conversations.create({ id, kind: "group", epoch: "e", createdAt: 1, members: members.map((user) => ({ user, role: "member" })) });
  return id;
}

async function readLog(store: Store, id: ConversationId): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  for (;;) {
    const page = await store.log.readAfter(id, log.at(-1)?.seq ?? 0, 1_000);
    if (page.length === 0) return log;
    log.push(...page);
  }
}

async function assertWhole(store: Store): Promise<void> {
  const findings: unknown[] = [];
  await verifyStore(store, (finding) => findings.push(finding));
  assert.deepEqual(findings, []);
}

const keysOf = (log: readonly LogEntry[]): string[] => log.map(({ clientId }) => String(clientId));
const seqsOf = (log: readonly LogEntry[]): number[] => log.map(({ seq }) => seq);
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

if (skipWithoutCassandra !== false) test("several stores on one Cassandra", { skip: skipWithoutCassandra }, () => {});
else
  describe("several stores on one Cassandra", () => {
    let server: CassandraServer;
    const connection = (): CassandraConnection => ({ contactPoints: server.contactPoints, localDataCenter: server.dataCenter, keyspace: "several" });
    const open = (change: Partial<CassandraConnection> = {}): Promise<CassandraStore> => openCassandraStore({ ...connection(), ...change });

    before(async () => {
      server = await CassandraServer.open();
      await initCassandraStore({ ...connection(), replication: { [server.dataCenter]: 1 } });
    });
    after(async () => server[Symbol.asyncDispose]());

    test("[S1] [S3] two stores that append to one conversation at once leave a dense log with everything once, and each its own order", async () => {
      await using one = await open();
      await using other = await open();
      const id = await group(one, "contended");
      const send = async (store: Store, which: number): Promise<void> => {
        // In waves, so that each store writes many times while the other does.
        for (let start = 0; start < 150; start += 5) {
          const wave = range(5).map((n) => store.log.append(id, [says(alice, `${start + n}`, `${which}-${start + n}`)]));
          assert.ok((await Promise.all(wave)).every(([outcome]) => outcome?.outcome === "stored"));
        }
      };
      await Promise.all([one, other].map(send));
      const log = await readLog(one, id);
      assert.deepEqual(seqsOf(log), range(300));
      for (const which of [0, 1])
        assert.deepEqual(
          keysOf(log).filter((key) => key.startsWith(`${which}-`)),
          range(150).map((n) => `${which}-${n}`),
        );
      assert.deepEqual(await readLog(other, id), log);
      const [here, there] = [one.stats(), other.stats()];
      assert.ok(here.calls === 150 && here.commits < here.calls && here.unknown === 0, "sends share a write");
      assert.ok(here.conflicts + there.conflicts > 0, "and stores meet");
    });

    test("[S3] the same message sent through two stores at once is stored once, with the same place for both", async () => {
      await using one = await open();
      await using other = await open();
      const id = await group(one, "doubled");
      const places = await Promise.all(
        range(40).map(async (n) => {
          const tries = await Promise.all([one, other].map((store) => store.log.append(id, [says(bob, `${n}`, `k${n}`)])));
          return tries.map(([outcome]) => (outcome?.outcome === "stored" ? outcome.entry.seq : outcome?.outcome === "duplicate" ? outcome.seq : 0));
        }),
      );
      assert.ok(places.every(([here, there]) => here === there && here !== 0));
      assert.equal((await readLog(one, id)).length, 40);
    });

    test("[S5] [S7] what another store acknowledged holds at once: no store answers from what it remembers", async () => {
      await using one = await open();
      await using other = await open();
      const id = await group(one, "remembered");
      const asMember = { ...says(carol, "hello"), roles: ["member"] } as const satisfies Draft;
      const judge = async (store: Store): Promise<string | undefined> => (await store.log.append(id, [asMember]))[0]?.outcome;
      assert.equal(await judge(other), "refused");
      await one.log.append(id, [{ from: alice, body: { type: "member.added", users: [carol] } }]);
      assert.equal(await judge(other), "stored");
      assert.equal((await other.conversations.memberships(carol)).memberships.length, 1);
      await one.log.append(id, [{ from: alice, body: { type: "member.removed", user: carol } }]);
      assert.equal(await judge(other), "refused");
      await assertWhole(one);
    });

    test("[S10] [S12] [S28] read and delivery marks through two stores at once end at the highest, and each move counts once", async () => {
      await using one = await open();
      await using other = await open();
      const id = await group(one, "marked");
      for (const start of [0, 20])
        await one.log.append(
          id,
          range(20).map((n) => says(alice, `${start + n}`)),
        );
      const before = (await one.conversations.memberships(bob)).change;
      const marks = await Promise.all(
        range(40).map((seq) => (seq % 2 === 0 ? one : other).conversations.advanceRead(id, bob, ((seq * 17) % 40) + 1).then((member) => member?.readSeq)),
      );
      await Promise.all(range(40).map((seq) => (seq % 2 === 0 ? one : other).conversations.advanceDelivered(id, alice, seq)));
      assert.equal((await other.conversations.member(id, bob))?.readSeq, 40);
      const { change, memberships } = await other.conversations.memberships(bob);
      assert.ok(change - before >= 1 && change - before <= new Set(marks).size + 40);
      assert.equal(memberships.find(({ conversation }) => conversation === id)?.change, change);
      await assertWhole(one);
    });

    test("[S34] of two stores that take the same lease at once one has it", async () => {
      await using one = await open();
      await using other = await open();
      for (const n of range(15)) {
        const takes = await Promise.all([one, other].map((store, holder) => store.documents.put("deliveries", `lease${n}`, { holder }, { ifVersion: 0 })));
        assert.deepEqual(takes.map(({ outcome }) => outcome).sort(), ["conflict", "stored"]);
        const holder = takes[0]?.outcome === "stored" ? 0 : 1;
        assert.deepEqual((await other.documents.get("deliveries", `lease${n}`))?.value, { holder });
      }
    });

    test("[S11] of creations with one key through two stores at once one creates, and both get the same conversation", async () => {
      await using one = await open();
      await using other = await open();
      for (const n of range(10)) {
        const made = await Promise.all(
          [one, other].map((store, which) =>
            store.conversations.create({
              id: `g${n}-${which}` as ConversationId,
              kind: "group",
              epoch: "e",
              createdAt: 1,
              key: { user: alice, clientId: `c${n}` as ClientId },
              members: [{ user: alice, role: "owner" }],
            }),
          ),
        );
        assert.deepEqual(made.map(({ outcome }) => outcome).sort(), ["created", "existing"]);
        assert.equal(made[0]?.conversation.id, made[1]?.conversation.id);
      }
      await assertWhole(one);
    });

    test("[S3] [S14] [S31] a log goes on over the borders of its buckets: pages, keys, changes and truncations", async () => {
      await using store = await open();
      const id = await group(store, "long");
      const count = bucketSeqs * 2 + 52;
      for (let start = 0; start < count; start += 100)
        await store.log.append(
          id,
          range(Math.min(100, count - start)).map((n) => says(alice, `${start + n}`, `k${start + n}`)),
        );
      assert.deepEqual(seqsOf(await readLog(store, id)), range(count));
      const across = await store.log.readBefore(id, bucketSeqs + 6, 10);
      assert.deepEqual(
        seqsOf(across),
        range(10).map((n) => bucketSeqs + n - 5),
      );
      const again = await store.log.append(id, [says(alice, "3", "k3"), says(alice, `${bucketSeqs}`, `k${bucketSeqs}`)]);
      assert.deepEqual(
        again.map((outcome) => (outcome.outcome === "duplicate" ? outcome.seq : 0)),
        [3, bucketSeqs],
      );
      for (const target of [5, bucketSeqs, bucketSeqs + 1, count])
        await store.log.append(id, [{ from: bob, body: { type: "reaction.added", target, emoji: "👍" } }]);
      assert.deepEqual([...(await store.log.reactedBy(id, bob, [5, bucketSeqs, bucketSeqs + 1, count])).keys()], [5, bucketSeqs, bucketSeqs + 1, count]);
      assert.deepEqual(await store.log.truncate(id, bucketSeqs + 2), { removed: bucketSeqs + 1, from: bucketSeqs + 2 });
      assert.deepEqual([...(await store.log.reactedBy(id, bob, [5, bucketSeqs, bucketSeqs + 1, count])).keys()], [count]);
      assert.equal((await store.log.append(id, [says(alice, "3", "k3")]))[0]?.outcome, "duplicate", "keys outlive their entries");
      await assertWhole(store);
    });

    test("[S9] what was called behind a write that failed is refused as well, and overtakes nothing", async () => {
      await using proxy = await TcpProxy.open({ port: server.port });
      await using store = await open({ contactPoints: [`127.0.0.1:${proxy.port}`], requestTimeoutMs: 400 });
      await using reader = await open();
      const id = await group(reader, "overtaking");
      await store.log.append(id, [says(alice, "before", "k0")]);
      proxy.set({ isBlackHole: true });
      const refused = async (n: number): Promise<string> =>
        store.log.append(id, [says(alice, `${n}`, `k${n}`)]).then(
          () => "stored",
          (error: { code: string }) => error.code,
        );
      const first = refused(1).finally(() => proxy.heal());
      await new Promise((resolve) => void setTimeout(resolve, 100));
      const second = refused(2);
      assert.notEqual(await first, "stored");
      assert.equal(await second, "server.busy", "it did not reach Cassandra before the first, though Cassandra was back");
      for (const n of [1, 2]) assert.match((await store.log.append(id, [says(alice, `${n}`, `k${n}`)]))[0]?.outcome ?? "", /stored|duplicate/);
      assert.deepEqual(keysOf(await readLog(reader, id)), ["k0", "k1", "k2"]);
    });

    test("[S3] answers that are lost on their way: nothing is lost, nothing is there twice, and the retries tell", async () => {
      await using proxy = await TcpProxy.open({ port: server.port });
      await using sender = await open({ contactPoints: [`127.0.0.1:${proxy.port}`], requestTimeoutMs: 3_000 });
      await using reader = await open();
      const id = await group(reader, "lossy");
      const sends = range(120);
      let unknown = 0;
      const send = async (n: number): Promise<AppendOutcome | undefined> => {
        for (let tries = 0; tries < 100; tries++) {
          try {
            return (await sender.log.append(id, [says(alice, `${n}`, `k${n}`)]))[0];
          } catch {
            unknown++;
          }
        }
        return undefined;
      };
      const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
      const outcomes: (AppendOutcome | undefined)[] = [];
      for (let round = 0; round < 10; round++) {
        const under = sends.slice(round * 12, round * 12 + 12).map(send);
        await pause(round * 3);
        // What the node says does not come; then the connections end, in the middle of whatever is under way.
        proxy.set({ isMute: true });
        await pause(20);
        proxy.reset();
        proxy.set({ isMute: false });
        outcomes.push(...(await Promise.all(under)));
      }
      assert.ok(outcomes.every((outcome) => outcome?.outcome === "stored" || outcome?.outcome === "duplicate"));
      const log = await readLog(reader, id);
      assert.deepEqual(seqsOf(log), range(120), `${unknown} were unknown`);
      assert.deepEqual(keysOf(log).sort(), sends.map((n) => `k${n}`).sort());
      await assertWhole(reader);
    });

    test("[S5] [S6] [S10] what a writer decided before it died is read by everybody, and in place after the next read or write", async () => {
      await using store = await open();
      const id = await group(store, "halfway");
      await store.log.append(id, [says(alice, "one", "k1")]);
      const client = new Client({ contactPoints: [...server.contactPoints], localDataCenter: server.dataCenter, keyspace: "several" });
      const { localQuorum, localSerial } = types.consistencies;
      const cluster = new Cluster({ client, clock: systemClock, random: systemRandom, consistency: localQuorum, serialConsistency: localSerial });
      /** What a process leaves that is killed between the decision and the rows. */
      class DyingSettler extends Settler {
        #isFirst = true;
        override async settle(...what: Parameters<Settler["settle"]>): Promise<void> {
          // The first is what was there before.
          if (!this.#isFirst) throw new Error("killed");
          this.#isFirst = false;
          await super.settle(...what);
        }
      }
      const dying = new ConversationWriter(id, {
        cluster,
        settler: new DyingSettler(cluster, new Memberships(cluster)),
        makeWriteId: () => "dying",
        onWrite: () => {},
      });
      const drafts: Draft[] = [
        says(bob, "two", "k2"),
        { from: alice, body: { type: "member.added", users: [carol] } },
        { from: bob, body: { type: "reaction.added", target: 1, emoji: "👍" } },
        { from: alice, body: { type: "conversation.updated", retentionMs: 1_000 } },
        { from: alice, body: { type: "message.deleted", target: 1 } },
      ];
      await assert.rejects(dying.run(appendCall(drafts, {}, systemClock)));
      const place = "SELECT seq FROM log_entries WHERE conversation = ? AND bucket = 0 AND seq = 2";
      assert.equal((await cluster.rows(place, [id])).length, 0, "nothing is in place");

      await using reader = await open();
      const log = await reader.log.readAfter(id, 0, 10);
      assert.deepEqual(seqsOf(log), range(6));
      assert.deepEqual(log[0]?.body, { type: "message.created", content: { type: "deleted" } });
      assert.ok(await reader.conversations.member(id, carol));
      assert.deepEqual(
        (await reader.conversations.members(id, undefined, 10)).map(({ user }) => user),
        [alice, bob, carol],
      );
      const listed = (await reader.conversations.memberships(carol)).memberships.find(({ conversation }) => conversation === id);
      assert.equal(listed?.state, "joined", "whoever reads the conversation puts far-reaching parts in place");
      assert.ok((await reader.conversations.withRetention(undefined, 10)).includes(id));
      const [again] = await store.log.append(id, [says(bob, "two", "k2")]);
      assert.deepEqual(again?.outcome, "duplicate", "the retry finds it");
      assert.equal((await cluster.rows(place, [id])).length, 1);
      assert.equal((await store.log.append(id, [says(bob, "three", "k3")]))[0]?.outcome, "stored");
      await assertWhole(store);
      await client.shutdown();
    });

    test("[S6] [S26] a journal that is put in place late, by somebody who was only slow, changes nothing", async () => {
      await using store = await open();
      const id = await group(store, "slow");
      const client = new Client({ contactPoints: [...server.contactPoints], localDataCenter: server.dataCenter, keyspace: "several" });
      const { localQuorum, localSerial } = types.consistencies;
      const cluster = new Cluster({ client, clock: systemClock, random: systemRandom, consistency: localQuorum, serialConsistency: localSerial });
      await store.log.append(id, [says(alice, "secret", "k1"), { from: alice, body: { type: "member.added", users: [carol] } }]);
      const old = await readState(cluster, id);
      assert.ok(old);
      await store.log.append(id, [{ from: alice, body: { type: "message.deleted", target: 1 } }]);
      await store.log.append(id, [{ from: alice, body: { type: "member.removed", user: carol } }]);
      const expected = [await readLog(store, id), await store.conversations.memberships(carol)];
      await new Settler(cluster, new Memberships(cluster)).settle(id, old);
      await using reader = await open();
      assert.deepEqual([await readLog(reader, id), await reader.conversations.memberships(carol)], expected);
      assert.equal(await reader.conversations.member(id, carol), undefined);
      await assertWhole(reader);
      await client.shutdown();
    });

    test("[S21] [S22] a keyspace without tables, of an older or of a newer version is refused, and `init` brings an older one forward once", async () => {
      const keyspace = "versions";
      const code = (expected: string) => (error: unknown) => (error as { code?: unknown }).code === expected;
      await assert.rejects(open({ keyspace }), code("not_initialised"));
      await assert.rejects(open({ localDataCenter: "elsewhere" }), code("invalid"));
      await assert.rejects(open({ contactPoints: ["127.0.0.1:1"] }), code("unreachable"));
      const init = { ...connection(), keyspace, replication: { [server.dataCenter]: 1 } };
      assert.deepEqual(await initCassandraStore(init), { before: 0, now: schemaVersion });
      assert.deepEqual(await initCassandraStore(init), { before: schemaVersion, now: schemaVersion });
      const newer = [...migrations, { version: schemaVersion + 1, statements: ["CREATE TABLE IF NOT EXISTS news (id text PRIMARY KEY)"] }];
      await assert.rejects(openCassandraStore({ ...init, migrations: newer }), code("older_version"));
      assert.deepEqual(await initCassandraStore({ ...init, migrations: newer }), { before: schemaVersion, now: schemaVersion + 1 });
      await assert.rejects(open({ keyspace }), code("newer_version"));
      await assert.rejects(initCassandraStore(init), code("newer_version"));
    });

    test("a store whose Cassandra does not answer is unreachable after some seconds, and ready again by itself", async () => {
      await using store = await open({ requestTimeoutMs: 1_000 });
      const id = await group(store, "silent");
      const [node] = server.nodes;
      const until = async (state: string): Promise<void> => {
        for (let tries = 0; store.status().state !== state; tries++) {
          assert.ok(tries < 300, `it did not become ${state}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      node?.pause();
      const pending = store.log.append(id, [says(alice, "one", "k1")]).catch(() => "failed");
      await until("unreachable");
      node?.resume();
      await until("ready");
      await pending;
      const [outcome] = await store.log.append(id, [says(alice, "one", "k1")]);
      assert.ok(outcome?.outcome === "stored" || outcome?.outcome === "duplicate");
      assert.equal((await readLog(store, id)).length, 1);
    });

    test("[S23] more calls under way than the bound are refused, and what was accepted is not affected", async () => {
      await using store = await openCassandraStore({ ...connection(), maxPendingCalls: 10 });
      const id = await group(store, "bounded");
      const results = await Promise.allSettled(range(14).map((n) => store.log.append(id, [says(alice, `${n}`)])));
      const refused = results.flatMap((result) => (result.status === "rejected" ? [(result.reason as { code: string }).code] : []));
      assert.deepEqual(refused, ["server.busy", "server.busy", "server.busy", "server.busy"]);
      assert.equal((await readLog(store, id)).length, 10);
    });
  });
