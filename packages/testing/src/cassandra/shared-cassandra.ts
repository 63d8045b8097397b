/**
 * A Cassandra of one node that test files share: the one that `TEST_CASSANDRA` names (`host:port`), where somebody has
 * started it for all of them, as `.ci/run` does; else one of the caller's own. A start takes two cores for 20 s, as much as
 * most of these tests themselves. Who stops or kills a node needs a `CassandraServer`; a `TcpProxy` before this one is silent as well.
 */
import { randomBytes } from "node:crypto";
import { CassandraServer } from "./cassandra-server.ts";

export interface SharedCassandra extends AsyncDisposable {
  /** As drivers take them. */
  readonly contactPoints: readonly string[];
  /** What clients name as the local data center. */
  readonly dataCenter: string;
  /** CQL port, of 127.0.0.1. */
  readonly port: number;
  /** A name of a keyspace that nobody else has. @param name at most 39 characters */
  keyspace(name: string): string;
}

export async function openSharedCassandra(): Promise<SharedCassandra> {
  const keyspace = (name: string): string => `${name}_${randomBytes(4).toString("hex")}`;
  const address = process.env["TEST_CASSANDRA"];
  if (address !== undefined) {
    const port = Number(/^127\.0\.0\.1:(\d+)$/.exec(address)?.[1]);
    if (Number.isNaN(port)) throw new Error(`TEST_CASSANDRA is ${address}, and not 127.0.0.1 with a port.`);
    return { contactPoints: [address], dataCenter: "datacenter1", port, keyspace, async [Symbol.asyncDispose]() {} };
  }
  const own = await CassandraServer.open();
  const { contactPoints, dataCenter, port } = own;
  return { contactPoints, dataCenter, port, keyspace, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
}
