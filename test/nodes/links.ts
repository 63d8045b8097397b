/**
 * Links of nodes that can be cut, by Linux' own packet filter. All is in one network namespace, so a node is told by the group
 * of its process: its connections to an engine are marked from their first packet, and while a mark is cut no packet of them
 * passes, in either direction. Nobody is told: that is what a broken network is like.
 */
import { execFileSync } from "node:child_process";

/** Where the process is; the link of the whole machine is never touched. */
const isOwnNamespace = "NODES_OWN_NETWORK";

/** The group of the first node; anything that nobody else has. */
const firstGroup = 61_001;

/** Why links cannot be cut here; `undefined` when they can. */
export function whyNoLinks(): string | undefined {
  try {
    execFileSync("unshare", ["-n", "--", "sh", "-c", "ip link set lo up && nft list ruleset"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `network namespaces with ip and nft are not to be had here: ${String(error)}`;
  }
}

/** The command that runs a program in a network of its own, where {@link Links} may be opened. */
export function inOwnNetwork(command: readonly string[]): { readonly command: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  return {
    command: "unshare",
    args: ["-n", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...command],
    env: { ...process.env, [isOwnNamespace]: "1" },
  };
}

export const hasOwnNetwork: boolean = process.env[isOwnNamespace] === "1";

export function groupOf(nodeNumber: number): number {
  return firstGroup + nodeNumber - 1;
}

export type Engine = "redis" | "store";

export class Links {
  /** @param ports on which the engines listen */
  constructor(nodes: number, ports: Readonly<Record<Engine, readonly number[]>>) {
    if (!hasOwnNetwork) throw new Error("Links are cut in a network of their own only: see inOwnNetwork.");
    const rules = Array.from({ length: nodes }, (_, index) =>
      (["redis", "store"] as const)
        .filter((engine) => ports[engine].length > 0)
        .map((engine) => `meta skgid ${groupOf(index + 1)} tcp dport { ${ports[engine].join(", ")} } ct mark set ${markOf(index + 1, engine)}`),
    ).flat();
    nft(`table inet suda {
      set cut { type mark; }
      chain output {
        type filter hook output priority 0;
        ${rules.join("\n        ")}
        ct mark @cut drop
      }
    }`);
  }

  cut(nodeNumber: number, engine: Engine): void {
    nft(`add element inet suda cut { ${markOf(nodeNumber, engine)} }`);
  }

  heal(nodeNumber: number, engine: Engine): void {
    nft(`delete element inet suda cut { ${markOf(nodeNumber, engine)} }`);
  }
}

function markOf(nodeNumber: number, engine: Engine): number {
  return nodeNumber * 2 + (engine === "redis" ? 0 : 1);
}

function nft(commands: string): void {
  execFileSync("nft", ["-f", "-"], { input: commands, stdio: ["pipe", "pipe", "pipe"] });
}
