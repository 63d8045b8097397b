import type { CommandDef } from "citty";
import { programVersion } from "../program-version.ts";

/** `suda version`. */
export const versionCommand: CommandDef = {
  meta: { name: "version", description: "Prints the versions of Suda and Node" },
  args: {},
  run: () => void process.stdout.write(`suda ${programVersion()} (Node ${process.versions.node})\n`),
};
