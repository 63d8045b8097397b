// Runs every *.test.ts on source, without a build: `npm test`, or `npm test -- packages/protocol` for a part.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { absentDrivers } from "./drivers.mjs";

// Node runs them in the order of their names. test/simulation comes last, so that the two processes of its thousand worlds have
// the machine to themselves.
const wanted = process.argv.slice(2);
const found = ["packages", "apps", "examples", "test"]
  .flatMap((root) => findTests(root))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
if (found.length === 0) {
  console.error(`No test file matches ${wanted.join(", ")}.`);
  process.exit(1);
}
const files = withoutAbsentDrivers(found);
if (files.length === 0) process.exit(1);
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

/** What cannot be loaded is left out, in a line; where it must be tested, nothing runs. */
function withoutAbsentDrivers(all) {
  let files = all;
  for (const { client, variable, needs, folders } of absentDrivers()) {
    const how = `${client} is not installed: npm run install:drivers`;
    if (process.env[variable] === "1") {
      console.error(`${variable} is set, and ${how}`);
      process.exit(1);
    }
    const kept = files.filter(
      (file) => !folders.some((folder) => file.startsWith(folder)) && !needs.some((name) => readFileSync(file, "utf8").includes(`from "${name}"`)),
    );
    if (kept.length < files.length) console.error(`Left out ${files.length - kept.length} test files, because ${how}`);
    files = kept;
  }
  return files;
}
