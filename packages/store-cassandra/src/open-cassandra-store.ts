/**
 * Opening and initialising the store. Opening changes nothing: it looks whether the schema is there and of this version.
 * Initialising makes keyspace and tables, brings an older schema forward step by step, and may be run again at any time.
 */
import { systemClock, systemRandom, type Clock, type Random } from "@suda/protocol";
import { StoreOpenError } from "@suda/server/store";
import { errors, policies, types, type Client, type ClientOptions } from "cassandra-driver";
import { CassandraStore } from "./cassandra-store.ts";
import { Cluster } from "./cluster.ts";
import type { WriteEvent } from "./conversation-writer.ts";
import { guardedClient } from "./guarded-client.ts";
import { migrations as allMigrations, versionTable, type Migration } from "./schema.ts";
import { whenClusterIsReady, type WaitOptions } from "./wait-for-cluster.ts";

export interface CassandraConnection {
  /** `host` or `host:port`; one that answers is enough. */
  readonly contactPoints: readonly string[];
  /** The data center of this node: its replicas decide, and all writers of a keyspace must name the same one. */
  readonly localDataCenter: string;
  /** 1–48 letters, digits and `_`. */
  readonly keyspace: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Absent: no TLS. Options of `tls.connect`; `{}` takes the system's certificates. */
  readonly tls?: NonNullable<ClientOptions["sslOptions"]>;
  /** How long one answer may take before the call counts as unanswered. Default 5,000 ms. */
  readonly requestTimeoutMs?: number;
}

export interface CassandraStoreOptions extends CassandraConnection {
  /** Gives `at` of entries. Default: the system's. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** Calls under way; one more is refused with `server.busy`. Default 16,384. */
  readonly maxPendingCalls?: number;
  /** Told of every decided write. Must not throw. */
  readonly onEvent?: (event: WriteEvent) => void;
  /** For tests: another table of migrations. */
  readonly migrations?: readonly Migration[];
}

export interface InitOptions extends CassandraConnection, WaitOptions {
  /** Copies of everything in each data center. Default: 3 in `localDataCenter`. */
  readonly replication?: Readonly<Record<string, number>>;
  readonly migrations?: readonly Migration[];
}

const keyspaceExpression = /^[A-Za-z0-9_]{1,48}$/;
const schemaName = "suda";

/**
 * Opens the store in a keyspace that `suda store init` made.
 * @throws StoreOpenError `unreachable`, `refused`, `not_initialised`, `older_version`, `newer_version`, `invalid`
 */
export async function openCassandraStore(options: CassandraStoreOptions): Promise<CassandraStore> {
  const { clock = systemClock, random = systemRandom, maxPendingCalls = 16_384, onEvent = () => {}, migrations = allMigrations } = options;
  const client = await connect(options, options.keyspace);
  try {
    const { version } = await schemaOf(client, options.keyspace);
    const newest = newestOf(migrations);
    if (version > newest) throw newerSchema(options.keyspace, version, newest);
    if (version < newest)
      throw new StoreOpenError(
        "older_version",
        `Keyspace ${options.keyspace} has schema ${version}, this version of Suda needs ${newest}. Run "suda store init".`,
      );
    const { localQuorum, localSerial } = types.consistencies;
    const cluster = new Cluster({ client, clock, random, consistency: localQuorum, serialConsistency: localSerial });
    const makeWriteId = (): string => Buffer.from(random.bytes(9)).toString("base64url");
    return new CassandraStore({ client, cluster, clock, makeWriteId, maxPendingCalls, onEvent });
  } catch (error) {
    await client.shutdown();
    throw error;
  }
}

/**
 * Makes the keyspace unless it is there, and its tables; brings an older schema forward. Run it by one process at a time. A
 * cluster that has just started is waited for, up to `waitMs`.
 * @returns the version before (0 for none) and the one there is now
 * @throws StoreOpenError `unreachable`, `refused`, `newer_version`, `invalid`
 */
export async function initCassandraStore(options: InitOptions): Promise<{ readonly before: number; readonly now: number }> {
  const { localDataCenter, replication = { [localDataCenter]: 3 } } = options;
  checkReplication(replication);
  return whenClusterIsReady(() => initialise(options, replication), options);
}

/** May be run again wherever it ended before. */
async function initialise(options: InitOptions, replication: Readonly<Record<string, number>>): Promise<{ readonly before: number; readonly now: number }> {
  const { keyspace, migrations = allMigrations } = options;
  const client = await connect(options, undefined);
  try {
    const centers = Object.entries(replication).map(([center, copies]) => `'${center}': ${copies}`);
    await run(client, `CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = {'class': 'NetworkTopologyStrategy', ${centers.join(", ")}}`);
    await run(client, `USE "${keyspace}"`);
  } finally {
    await client.shutdown();
  }
  const inside = await connect(options, keyspace);
  try {
    await run(inside, versionTable);
    const before = await versionIn(inside);
    const newest = newestOf(migrations);
    if (before > newest) throw newerSchema(keyspace, before, newest);
    for (const { version, statements } of migrations) {
      if (version <= before) continue;
      for (const statement of statements) await run(inside, statement);
      // Only now: a run that ends before begins with the same step again, and each can be run again.
      await inside.execute("INSERT INTO suda_schema (name, version) VALUES (?, ?)", [schemaName, version], {
        prepare: true,
        consistency: types.consistencies.quorum,
      });
    }
    return { before, now: newest };
  } finally {
    await inside.shutdown();
  }
}

async function connect(options: CassandraConnection, keyspace: string | undefined): Promise<Client> {
  const { contactPoints, localDataCenter, credentials, tls, requestTimeoutMs = 5_000 } = options;
  if (!keyspaceExpression.test(options.keyspace)) throw new StoreOpenError("invalid", "A keyspace's name is 1–48 letters, digits and _.");
  if (contactPoints.length === 0) throw new StoreOpenError("invalid", "Name at least one contact point, as host or host:port.");
  const client = guardedClient({
    contactPoints: [...contactPoints],
    localDataCenter,
    ...(keyspace === undefined ? {} : { keyspace }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
    ...(tls === undefined ? {} : { sslOptions: tls }),
    // Nodes that are found later have the contact points' port.
    protocolOptions: { port: portOf(contactPoints[0] ?? "") },
    // Retries are cluster.ts's alone.
    policies: { retry: new policies.retry.FallthroughRetryPolicy(), reconnection: new policies.reconnection.ExponentialReconnectionPolicy(100, 2_000, false) },
    socketOptions: { readTimeout: requestTimeoutMs, connectTimeout: requestTimeoutMs, tcpNoDelay: true },
    queryOptions: { prepare: true },
    pooling: { heartBeatInterval: 5_000 },
    // Nothing here asks the driver for tables; prepared statements bring their types along.
    isMetadataSyncEnabled: false,
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.shutdown();
    throw openErrorOf(error, options);
  }
}

function openErrorOf(error: unknown, { contactPoints, keyspace, localDataCenter }: CassandraConnection): Error {
  const inner = error instanceof errors.NoHostAvailableError ? Object.values(error.innerErrors ?? {}) : [];
  const all = [error, ...inner] as readonly Error[];
  const message = (error as Error).message;
  if (all.some((one) => one instanceof errors.AuthenticationError))
    return new StoreOpenError("refused", `Cassandra refuses the credentials: ${message}`, { cause: error });
  if (all.some((one) => /keyspace .* does not exist/i.test(one.message)))
    return new StoreOpenError("not_initialised", `There is no keyspace ${keyspace}. Run "suda store init".`, { cause: error });
  if (all.some((one) => one instanceof errors.ArgumentError))
    return new StoreOpenError("invalid", `Cassandra has no data center ${localDataCenter}, or a contact point is wrong: ${message}`, { cause: error });
  return new StoreOpenError("unreachable", `Cassandra does not answer at ${contactPoints.join(", ")}: ${message}`, { cause: error });
}

async function schemaOf(client: Client, keyspace: string): Promise<{ readonly version: number }> {
  try {
    const version = await versionIn(client);
    if (version > 0) return { version };
  } catch (error) {
    if (!(error instanceof errors.ResponseError) || !isInvalid(error.code))
      throw new StoreOpenError("unreachable", `Cassandra did not tell its schema: ${(error as Error).message}`, { cause: error });
  }
  throw new StoreOpenError("not_initialised", `Keyspace ${keyspace} has no tables of Suda. Run "suda store init".`);
}

async function versionIn(client: Client): Promise<number> {
  const { rows } = await client.execute("SELECT version FROM suda_schema WHERE name = ?", [schemaName], {
    prepare: true,
    consistency: types.consistencies.localQuorum,
  });
  return Number(rows[0]?.["version"] ?? 0);
}

/** Changes of the schema: unprepared, and the driver waits until all nodes agree. */
async function run(client: Client, cql: string): Promise<void> {
  await client.execute(cql, [], { prepare: false });
}

function newestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

function newerSchema(keyspace: string, version: number, newest: number): StoreOpenError {
  return new StoreOpenError(
    "newer_version",
    `Keyspace ${keyspace} has schema ${version}, made by a newer version of Suda; this one knows ${newest}. Update this node.`,
  );
}

function checkReplication(replication: Readonly<Record<string, number>>): void {
  const entries = Object.entries(replication);
  if (entries.length === 0 || entries.some(([center, copies]) => !/^[\w.-]{1,64}$/.test(center) || !Number.isInteger(copies) || copies < 1 || copies > 9))
    throw new StoreOpenError("invalid", "Replication is a data center's name and 1–9 copies, at least one of them.");
}

function portOf(contactPoint: string): number {
  const port = /:(\d{1,5})$/.exec(contactPoint)?.[1];
  return port === undefined ? 9042 : Number(port);
}

/** As for a table that is not there. */
function isInvalid(code: number): boolean {
  return code === types.responseErrorCodes.invalid.valueOf();
}
