// Runs every *.test.ts on source, without a build: `npm test`, or `npm test -- packages/protocol` for a part.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

// Node runs them in the order of their names. test/simulation comes last, so that the two processes of its thousand worlds have
// the machine to themselves.
const wanted = process.argv.slice(2);
const files = ["packages", "apps", "examples", "test"]
  .flatMap((root) => findTests(root))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(", ")}.`);
  process.exit(1);
}
const options = ["--import", "tsx", "--conditions=suda-source", "--test", `--test-concurrency=${availableParallelism()}`, "--test-timeout=600000"];
const child = spawn(process.execPath, [...options, ...files], { stdio: "inherit" });
child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));

function findTests(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return findTests(path);
    return entry.name.endsWith(".test.ts") ? [path] : [];
  });
}
