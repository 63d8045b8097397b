/** The store's conformance suite on a real Cassandra of one node. */
import { after, before, describe, test } from "node:test";
import { Client } from "cassandra-driver";
import { openSharedCassandra, skipWithoutCassandra, storeSuite, type SharedCassandra } from "@suda/testing";
import { initCassandraStore, openCassandraStore } from "./open-cassandra-store.ts";

if (skipWithoutCassandra !== false) test("the store's suite on Cassandra", { skip: skipWithoutCassandra }, () => {});
else
  describe("on Cassandra", () => {
    let server: SharedCassandra;
    let emptied: Client;
    let keyspace: string;
    const connection = () => ({ contactPoints: server.contactPoints, localDataCenter: server.dataCenter, keyspace });

    before(async () => {
      server = await openSharedCassandra();
      keyspace = server.keyspace("suite");
      await initCassandraStore({ ...connection(), replication: { [server.dataCenter]: 1 } });
      emptied = new Client({ ...connection(), contactPoints: [...server.contactPoints] });
      await emptied.connect();
    });
    after(async () => {
      await emptied.shutdown();
      await server[Symbol.asyncDispose]();
    });

    storeSuite("Cassandra", async ({ clock }) => {
      const open = () => openCassandraStore({ ...connection(), clock });
      return { store: await open(), reopen: open, cleanup: () => empty(emptied) };
    });
  });

/** Tests come one after the other: emptying the tables is many times quicker than a keyspace for each. */
async function empty(client: Client): Promise<void> {
  const { rows } = await client.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", [client.keyspace], { prepare: true });
  const names = rows.map((row) => row["table_name"] as string).filter((name) => name !== "suda_schema");
  await Promise.all(names.map((name) => client.execute(`TRUNCATE ${name}`)));
}
