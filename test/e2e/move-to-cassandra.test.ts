/** A move from the embedded store to a real Cassandra: the suite of moves, S55–S57 of docs/contracts/store.md. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { initCassandraStore, openCassandraStore } from "@suda/store-cassandra";
import { openLmdbStore } from "@suda/store-lmdb";
import { CassandraServer, skipWithoutCassandra, storeMovingSuite } from "@suda/testing";

if (skipWithoutCassandra !== false) test("a move to Cassandra", { skip: skipWithoutCassandra }, () => {});
else
  describe("to Cassandra", () => {
    let server: CassandraServer;
    let count = 0;

    before(async () => (server = await CassandraServer.open()));
    after(() => server[Symbol.asyncDispose]());

    storeMovingSuite("from LMDB to Cassandra", {
      steps: 150,
      openSource: async ({ clock }) => {
        const directory = await mkdtemp(join(tmpdir(), "suda-move-"));
        return {
          store: await openLmdbStore({ directory, clock }),
          reopen: () => openLmdbStore({ directory, clock }),
          cleanup: () => rm(directory, { recursive: true, force: true }),
        };
      },
      openTarget: async ({ clock }) => {
        const connection = { contactPoints: server.contactPoints, localDataCenter: server.dataCenter, keyspace: `moved_${++count}` };
        await initCassandraStore({ ...connection, replication: { [server.dataCenter]: 1 } });
        const open = () => openCassandraStore({ ...connection, clock });
        return { store: await open(), reopen: open };
      },
    });
  });
