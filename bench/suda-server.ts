/** The real command as a server under test. */
import { fileURLToPath } from "node:url";
import type { ServerProcessOptions } from "@suda/testing";

export interface SudaServerOptions {
  readonly dataDirectory: string;
  readonly store: "memory" | "lmdb";
  readonly profileDirectory?: string;
}

export function sudaServer({ dataDirectory, store, profileDirectory }: SudaServerOptions): ServerProcessOptions {
  const command = fileURLToPath(new URL("../apps/suda/bin/suda.js", import.meta.url));
  return {
    program: [command, "serve", "--port", "0", "--data", dataDirectory, "--store", store, "--log-level", "error"],
    // A sender who never pauses is what is measured, so the limit per user is off.
    env: { SUDA_COMMANDS_PER_SECOND: "0", SUDA_CONNECTS_PER_SECOND: "0" },
    execArgv: profileDirectory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`],
  };
}
