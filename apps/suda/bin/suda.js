#!/usr/bin/env node
// Starts the command: the TypeScript source in a clone, the built program in an installed package, and also in a clone with
// TEST_BUILT=1, for tests. One process either way, so that a signal to it is a signal to the server. Plain JavaScript, and only syntax that an old
// Node still reads, because it is what tells the user that their Node is too old.
import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`suda: this is Node ${process.versions.node}; Suda needs 20.19 or newer → https://nodejs.org`);
  process.exit(1);
}

const source = new URL("../src/main.ts", import.meta.url);
const built = new URL("../dist/main.js", import.meta.url);
const entry = process.env.TEST_BUILT !== "1" && existsSync(source) && (await canRunSource()) ? source : built;
if (entry === built && !existsSync(built)) {
  console.error("suda: this clone is neither installed nor built");
  console.error("→ npm install        (or: npm run build)");
  process.exit(1);
}
const { main } = await import(entry.href);
await main(process.argv.slice(2));

/** Registers tsx and the condition that lets packages of this workspace answer with their source; false where tsx is not installed. */
async function canRunSource() {
  try {
    const { register: registerTsx } = await import("tsx/esm/api");
    registerTsx();
  } catch (error) {
    if (error.code === "ERR_MODULE_NOT_FOUND") return false;
    throw error;
  }
  const { register } = await import("node:module");
  register("./source-condition.js", import.meta.url);
  return true;
}
