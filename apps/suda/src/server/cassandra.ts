/** Cassandra as the configuration names it: opened for a server, or initialised. Its driver is loaded only here, when it is wanted. */
import { readFileSync } from "node:fs";
import type { Store } from "@suda/server/store";
import type { CassandraConnection } from "@suda/store-cassandra";
import { CommandError, systemErrorCode } from "../command-error.ts";
import type { Config, SettingName } from "../config/settings.ts";

/** All that says where the store is, for commands that open it. */
export const storeSettings: readonly SettingName[] = [
  "data",
  "store",
  "cassandraContactPoints",
  "cassandraDataCenter",
  "cassandraKeyspace",
  "cassandraUser",
  "cassandraTls",
  "cassandraTlsCa",
];

/** @throws CommandError `store.unusable`, `config` */
export async function openCassandra(config: Config): Promise<Store> {
  const driver = await loadCassandraDriver();
  try {
    return await driver.openCassandraStore(connectionOf(config));
  } catch (error) {
    throw told(error);
  }
}

/** @throws CommandError `store.unusable`, `config` */
export async function initCassandra(config: Config, replication: Readonly<Record<string, number>>): Promise<{ readonly before: number; readonly now: number }> {
  const driver = await loadCassandraDriver();
  try {
    return await driver.initCassandraStore({ ...connectionOf(config), replication });
  } catch (error) {
    throw told(error);
  }
}

function connectionOf(config: Config): CassandraConnection {
  const { cassandraUser: username, cassandraPassword: password, cassandraTlsCa: ca } = config;
  if ((username === undefined) !== (password === undefined))
    throw new CommandError("config", "cassandraUser and cassandraPassword belong together", "Set SUDA_CASSANDRA_USER and SUDA_CASSANDRA_PASSWORD, or neither");
  return {
    contactPoints: config.cassandraContactPoints,
    localDataCenter: config.cassandraDataCenter,
    keyspace: config.cassandraKeyspace,
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
    ...(config.cassandraTls === "off" ? {} : { tls: { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: readCertificates(ca) }) } }),
  };
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError("file.unreadable", `${path} cannot be read (${systemErrorCode(error) ?? "no such file"})`, "Correct cassandraTlsCa", {
      cause: error,
    });
  }
}

async function loadCassandraDriver(): Promise<typeof import("@suda/store-cassandra")> {
  try {
    return await import("@suda/store-cassandra");
  } catch (error) {
    if (systemErrorCode(error) !== "ERR_MODULE_NOT_FOUND" || !(error as Error).message.includes("cassandra")) throw error;
    throw new CommandError(
      "store.unusable",
      "store cassandra needs the package cassandra-driver, which is not installed",
      "npm install cassandra-driver@4; in a clone of Suda: npm run install:drivers",
      { cause: error },
    );
  }
}

/** By its name and code: the class comes with the driver. */
function told(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "StoreOpenError") return error;
  const [what = error.message] = error.message.split(/\.\s+(?=[A-Z])/);
  return new CommandError("store.unusable", what.replace(/\.$/, ""), fixes[(error as { code?: string }).code ?? ""] ?? "All settings: suda config doc", {
    cause: error,
  });
}

const fixes: Readonly<Record<string, string>> = {
  unreachable: "Start Cassandra, or correct SUDA_CASSANDRA_CONTACT_POINTS",
  refused: "Correct SUDA_CASSANDRA_USER and SUDA_CASSANDRA_PASSWORD",
  not_initialised: "suda store init, with the same settings",
  older_version: "suda store init, with the same settings, when no node of the older version runs any more",
  newer_version: "Update this node to the version of the others",
  invalid: "Correct SUDA_CASSANDRA_DATA_CENTER, SUDA_CASSANDRA_CONTACT_POINTS or SUDA_CASSANDRA_KEYSPACE",
};
