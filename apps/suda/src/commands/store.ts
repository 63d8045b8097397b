import type { CommandDef } from "citty";
import { CommandError } from "../command-error.ts";
import { readDurationMs } from "../config/setting.ts";
import { initCassandra, storeSettings } from "../server/cassandra.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names = storeSettings.filter((name) => name !== "data");

const init: CommandDef = {
  meta: { name: "init", description: "Makes the keyspace and tables of the store in Cassandra, or brings older ones forward; may be run again at any time" },
  args: {
    replication: {
      type: "string",
      valueHint: "copies",
      description: "Copies of everything: 3, or of several data centers dc1:3,dc2:3 (default 3; only for a keyspace that is not there yet)",
    },
    wait: {
      type: "string",
      valueHint: "time",
      description: "How long a cluster that has just started is waited for: 250ms, 60s, 5m, up to 10m (default 60s; 0 for not at all)",
    },
    ...settingArguments(names),
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    if (config.store !== "cassandra")
      throw new CommandError(
        "usage",
        `store ${config.store} needs no init: it makes itself when a server starts`,
        "For Cassandra: suda store init --store cassandra",
      );
    const replication = readReplication(typeof args["replication"] === "string" ? args["replication"] : "3", config.cassandraDataCenter);
    const waitMs = readWait(typeof args["wait"] === "string" ? args["wait"] : "60s");
    // Behind its first line the driver's message has a stack.
    const onWait = (reason: string): void => void process.stderr.write(`  waiting up to ${waitMs / 1_000} s for Cassandra: ${reason.replace(/\n.*/s, "")}\n`);
    const { before, now } = await initCassandra(config, { replication, waitMs, onWait });
    const what = before === 0 ? "made now" : before === now ? "there already, nothing was changed" : `brought forward from ${before}`;
    process.stdout.write(`✓ keyspace ${config.cassandraKeyspace} has schema ${now}, ${what}\n`);
  },
};

/** `suda store init`: once before the first node, and once with each version that brings a new schema. */
export const storeCommand: CommandDef = {
  meta: { name: "store", description: "Prepares a store that several nodes share" },
  subCommands: { init },
};
export const storeCommands: Readonly<Record<"init", CommandDef>> = { init };

function readWait(text: string): number {
  const waitMs = readDurationMs(text);
  if (waitMs === undefined || waitMs > 600_000) throw new CommandError("usage", `--wait ${text} is no time of up to 10 minutes`, "suda store init --wait 60s");
  return waitMs;
}

/** `3`, or `dc1:3,dc2:2`. */
function readReplication(text: string, dataCenter: string): Readonly<Record<string, number>> {
  const whole = /^[1-9]$/.test(text) ? `${dataCenter}:${text}` : text;
  const pairs = whole.split(",").map((pair) => /^([\w.-]{1,64}):([1-9])$/.exec(pair.trim()));
  if (pairs.some((pair) => pair === null))
    throw new CommandError("usage", `--replication ${text} is neither 1–9 copies nor data centers with copies`, "suda store init --replication dc1:3,dc2:3");
  const replication = Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[String(pair[1]), Number(pair[2])]])));
  if (!Object.hasOwn(replication, dataCenter))
    throw new CommandError(
      "usage",
      `--replication ${text} leaves out ${dataCenter}, where this Suda writes`,
      `Add ${dataCenter}:3, or correct --cassandra-data-center`,
    );
  return replication;
}
