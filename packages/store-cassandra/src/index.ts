/** Suda's store of several nodes: Apache Cassandra. */
export { CassandraStore } from "./cassandra-store.ts";
export type { WriteEvent } from "./conversation-writer.ts";
export { initCassandraStore, openCassandraStore, type CassandraConnection, type CassandraStoreOptions, type InitOptions } from "./open-cassandra-store.ts";
export { schemaVersion, type Migration } from "./schema.ts";
export { UnknownOutcomeError } from "./store-errors.ts";
export { StoreCorruptError, StoreOpenError, type StoreOpenCode } from "@suda/server/store";
