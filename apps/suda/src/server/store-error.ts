/** A driver's refusal to open, in words for an operator of this program. */
import { StoreOpenError, type StoreOpenCode } from "@suda/server/store";
import { CommandError } from "../command-error.ts";

/** Anything else comes back as it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof StoreOpenError)) return error;
  // The driver's message is what happened and then advice; the advice for this program stands below.
  const [what = error.message] = error.message.split(/\.\s+(?=[A-Z])/);
  const [code, fix] = error.directory === undefined ? (["store.unusable", ofCassandra] as const) : (["data.unusable", ofDirectory] as const);
  return new CommandError(code, what.replace(/\.$/, ""), fix[error.code], { cause: error });
}

const fixes = {
  in_use: "Stop that process first, or choose another directory with --data DIR; one process at a time can hold a store",
  not_writable: "Give this user a directory of its own with room on a local disk: --data DIR",
  truncated: "Restore the data directory from a backup; keep the damaged files until that has worked",
  corrupt: "Restore the data directory from a backup; keep the damaged files until that has worked",
  moved: "Start with the store that it was moved to; to go back to this one: suda backup, then suda restore to a new directory",
  not_a_store: "Choose another directory with --data DIR; nothing was changed",
  unreachable: "Start Cassandra, or correct SUDA_CASSANDRA_CONTACT_POINTS",
  refused: "Correct SUDA_CASSANDRA_USER and SUDA_CASSANDRA_PASSWORD",
  not_initialised: "suda store init, with the same settings",
  invalid: "Correct SUDA_CASSANDRA_DATA_CENTER, SUDA_CASSANDRA_CONTACT_POINTS or SUDA_CASSANDRA_KEYSPACE",
} as const;

const ofDirectory: Readonly<Record<StoreOpenCode, string>> = {
  ...fixes,
  newer_version: "Start the newer Suda, or restore a backup from before the upgrade",
  older_version: "Start a server of this version on it once: that brings the store forward",
};

const ofCassandra: Readonly<Record<StoreOpenCode, string>> = {
  ...fixes,
  newer_version: "Update this node to the version of the others",
  older_version: "suda store init, with the same settings, when no node of the older version runs any more",
};
