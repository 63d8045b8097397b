/** How the kill test starts servers: the real command, and the one with a planted bug. */
import { fileURLToPath } from "node:url";
import type { ServerProcessOptions } from "@suda/testing";

const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
const plantedServer = fileURLToPath(new URL("planted-server.ts", import.meta.url));

export const plantedBugs = ["ack-before-commit", "no-deduplication", "fan-out-before-commit"] as const;
export type PlantedBug = (typeof plantedBugs)[number];

/** @param settings further flags of `suda serve` */
export function realServer(dataDirectory: string, settings: readonly string[] = []): ServerProcessOptions {
  return { program: [command, "serve", "--port", "0", "--data", dataDirectory, "--log-level", "error", ...settings] };
}

/** For clients that all have one address, and users who write faster than a person: a refusal would change the order of writing. */
export function unlimitedServer(dataDirectory: string, settings: readonly string[] = []): ServerProcessOptions {
  return realServer(dataDirectory, ["--connects-per-second", "0", "--commands-per-second", "0", ...settings]);
}

export function plantedServerOf(bug: PlantedBug): (dataDirectory: string) => ServerProcessOptions {
  return (dataDirectory) => ({ program: [plantedServer, "--bug", bug, "--data", dataDirectory] });
}
