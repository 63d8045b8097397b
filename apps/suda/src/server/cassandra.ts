/** Cassandra as the configuration names it: opened for a server, or initialised. Its driver is loaded only here, when it is wanted. */
import { readFileSync } from "node:fs";
import type { Store } from "@suda/server/store";
import type { CassandraConnection, InitOptions } from "@suda/store-cassandra";
import { CommandError, systemErrorCode } from "../command-error.ts";
import type { Config, SettingName } from "../config/settings.ts";
import { storeError } from "./store-error.ts";

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
    throw storeError(error);
  }
}

/** @throws CommandError `store.unusable`, `config` */
export async function initCassandra(
  config: Config,
  options: Pick<InitOptions, "replication" | "waitMs" | "onWait">,
): Promise<{ readonly before: number; readonly now: number }> {
  const driver = await loadCassandraDriver();
  try {
    return await driver.initCassandraStore({ ...connectionOf(config), ...options });
  } catch (error) {
    throw storeError(error);
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
