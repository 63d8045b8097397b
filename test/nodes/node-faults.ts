/** What is done to a cluster under load, one thing a run. Each resolves when everything is whole again: from then on the delay counts. */
import type { Cluster } from "./cluster.ts";

export interface NodeFault {
  /** For the command line. */
  readonly name: string;
  /** For the table of results. */
  readonly what: string;
  /** Nodes without which it shows nothing; default 1. */
  readonly minNodes?: number;
  /** Nodes of Cassandra without which it shows nothing; default 0. */
  readonly minCassandraNodes?: number;
  /** Whether it cuts links, and so runs in a network of its own. */
  readonly cutsLinks?: true;
  readonly strike: (cluster: Cluster, options: StrikeOptions) => Promise<void>;
}

export interface StrikeOptions {
  /** Waits, for a part of it only in short runs. */
  readonly pause: (ms: number) => Promise<void>;
  /** How often, where it is done several times. */
  readonly rounds: number;
  /** Told when each begins, from 1 on. */
  readonly onRound: (round: number) => void;
}

/** As a supervisor starts a process again that died. */
const restartMs = 5_000;
/** Longer than nginx leaves out a node that refused (`fail_timeout`): who restarts all nodes waits for so long behind each. */
export const betweenNodesMs = 6_000;

export const nodeFaults: readonly NodeFault[] = [
  {
    name: "node-kill",
    what: "`kill -9` of a node, started again after 5 s",
    async strike({ victim }, { pause }) {
      await victim.kill();
      await pause(restartMs);
      await victim.start();
    },
  },
  {
    name: "redis-kill",
    what: "`kill -9` of Redis, back after 20 s",
    async strike({ redis }, { pause }) {
      await redis.kill();
      await pause(20_000);
      await redis.start();
    },
  },
  {
    name: "redis-pause",
    what: "Redis stopped for 30 s (SIGSTOP), its connections open",
    async strike({ redis }, { pause }) {
      redis.pause();
      await pause(30_000);
      redis.resume();
    },
  },
  {
    name: "redis-cut",
    what: "a node cut off from Redis for 30 s, no packet in either direction",
    minNodes: 2,
    cutsLinks: true,
    async strike({ links, nodes }, { pause }) {
      links?.cut(nodes.length, "redis");
      await pause(30_000);
      links?.heal(nodes.length, "redis");
    },
  },
  {
    name: "store-cut",
    what: "a node cut off from Cassandra for 30 s, no packet in either direction",
    minNodes: 2,
    minCassandraNodes: 1,
    cutsLinks: true,
    async strike({ links, nodes }, { pause }) {
      links?.cut(nodes.length, "store");
      await pause(30_000);
      links?.heal(nodes.length, "store");
    },
  },
  {
    name: "cassandra-kill",
    what: "`kill -9` of one of three nodes of Cassandra, started again after 30 s",
    minCassandraNodes: 3,
    async strike({ store }, { pause }) {
      // Not the first one, of which the others learn of each other when they start.
      const node = store.cassandra?.nodes.at(-1);
      await node?.kill();
      await pause(30_000);
      await node?.start();
    },
  },
  {
    name: "node-pause",
    what: "a node stopped for 60 s (SIGSTOP) and continued",
    async strike({ victim }, { pause }) {
      victim.pause();
      await pause(60_000);
      victim.resume();
    },
  },
  {
    name: "layer-loss",
    what: "10 % of what Redis publishes lost, for 30 s",
    async strike({ lossy }, { pause }) {
      lossy.share = 0.1;
      await pause(30_000);
      lossy.share = 0;
    },
  },
  {
    name: "rolling",
    what: "all nodes restarted one after another (SIGTERM)",
    async strike({ nodes }, { pause, rounds, onRound }) {
      for (let round = 1; round <= rounds; round++) {
        onRound(round);
        for (const node of nodes) {
          await node.stop();
          await node.start();
          await pause(betweenNodesMs);
        }
      }
    },
  },
];
