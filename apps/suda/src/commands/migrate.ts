import type { CommandDef } from "citty";
import { resolve } from "node:path";
import { CommandError } from "../command-error.ts";
import { runMigration, type MigrationOptions } from "../migrate/run-migration.ts";
import { storeSettings } from "../server/cassandra.ts";
import { openDirectory, openStore } from "../server/open-store.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

/** `store` says where a server's store is; a move names both. */
const names = storeSettings.filter((name) => name !== "store");

/** Each waits for answers most of its time. */
const parallelOverNetwork = 16;

/** `suda migrate --to STORE`: with the server running. */
export const migrateCommand: CommandDef = {
  meta: {
    name: "migrate",
    description: "Moves the store of a data directory to another one while its server runs, and compares every conversation's rolling hash",
  },
  args: {
    to: { type: "string", required: true, valueHint: "store", description: "Where to: cassandra (with its settings), or lmdb (with --to-data)" },
    "to-data": { type: "string", valueHint: "dir", description: "With --to lmdb: the other data directory" },
    "read-only": { type: "boolean", description: "Keep the server from writing from the beginning: one pass, for small stores" },
    "copy-only": { type: "boolean", description: "Copy what there is and switch nothing; run it again to go on" },
    ...settingArguments(names),
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    if (args["read-only"] === true && args["copy-only"] === true)
      throw new CommandError("usage", "--read-only and --copy-only exclude each other", "suda migrate --help");
    const target = targetOf(args, config);
    const { isSwitched, verdict, readOnlyMs } = await runMigration({
      data: config.data,
      ...target,
      mode: args["copy-only"] === true ? "copy" : args["read-only"] === true ? "read-only" : "live",
      now: Date.now,
      print: (line) => void process.stdout.write(`${progressEnd()}  ${line}\n`),
      onProgress: progress(),
    });
    const counts = `${verdict.conversations} conversations with ${verdict.entries} entries read back`;
    if (!isSwitched) return void process.stdout.write(`✓ ${counts}: every rolling hash follows. Nothing was switched: run it again without --copy-only\n`);
    process.stdout.write(
      `✓ ${counts}: every rolling hash is the old store's\n  ${config.data} is closed for good, after ${(readOnlyMs / 1_000).toFixed(1)} s without writing. Restart the server with ${target.startWith}\n`,
    );
  },
};

function targetOf(
  args: Readonly<Record<string, unknown>>,
  config: ReturnType<typeof loadConfigOf>["config"],
): Pick<MigrationOptions, "openTarget" | "targetName" | "parallel"> & { readonly startWith: string } {
  const to = String(args["to"]);
  const data = typeof args["to-data"] === "string" ? resolve(args["to-data"]) : undefined;
  if (to === "lmdb") {
    if (data === undefined) throw new CommandError("usage", "--to lmdb needs --to-data", "suda migrate --to lmdb --to-data DIR");
    if (data === resolve(config.data)) throw new CommandError("usage", "the store cannot be moved to where it is", "Name another directory with --to-data");
    return { openTarget: () => openDirectory(data), targetName: `lmdb ${data}`, parallel: 1, startWith: `--data ${data}` };
  }
  if (to === "cassandra")
    return {
      openTarget: () => openStore({ ...config, store: "cassandra" }),
      targetName: `cassandra, keyspace ${config.cassandraKeyspace} at ${config.cassandraContactPoints.join(", ")}`,
      parallel: parallelOverNetwork,
      startWith: "--store cassandra and the same settings",
    };
  throw new CommandError("usage", `there is no store ${JSON.stringify(to)} to move to`, "One of: cassandra, lmdb");
}

const isTerminal = process.stderr.isTTY;
let isShown = false;

/** One line that is written over, for people; nothing for logs. */
function progress(): MigrationOptions["onProgress"] {
  if (!isTerminal) return () => {};
  let shownAt = 0;
  return ({ conversations, users, entries }) => {
    if (Date.now() - shownAt < 200) return;
    shownAt = Date.now();
    isShown = true;
    process.stderr.write(`\r\u001b[K  ${conversations} conversations, ${users} users, ${entries} entries copied`);
  };
}

function progressEnd(): string {
  if (!isShown) return "";
  isShown = false;
  process.stderr.write("\r\u001b[K");
  return "";
}
