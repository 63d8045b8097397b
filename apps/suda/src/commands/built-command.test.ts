/** Which program `bin/suda.js` starts: in a folder of this repository, where it finds tsx, with a main program that says what it is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("../../../../node_modules/.cache/suda/", import.meta.url));
const bin = fileURLToPath(new URL("../../bin/", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command of a clone that has these of its two programs. */
function runClone(t: TestContext, { has, variables = {} }: { has: readonly ("src" | "dist")[]; variables?: Readonly<Record<string, string>> }): Ran {
  mkdirSync(cache, { recursive: true });
  const clone = mkdtempSync(join(cache, "command-"));
  t.after(() => rmSync(clone, { recursive: true }));
  cpSync(bin, join(clone, "bin"), { recursive: true });
  writeFileSync(join(clone, "package.json"), JSON.stringify({ type: "module" }));
  for (const folder of has) {
    mkdirSync(join(clone, folder));
    writeFileSync(join(clone, folder, folder === "src" ? "main.ts" : "main.js"), `export const main = () => console.log("from ${folder}");\n`);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(clone, "bin/suda.js")], {
    encoding: "utf8",
    env: { ...process.env, TEST_BUILT: "", ...variables },
  });
  return { code: status, output: stdout, errors: stderr };
}

test("the command runs from source in a clone, and what is built where there is no source", (t) => {
  assert.deepEqual(runClone(t, { has: ["src", "dist"] }), { code: 0, output: "from src\n", errors: "" });
  assert.deepEqual(runClone(t, { has: ["dist"] }), { code: 0, output: "from dist\n", errors: "" });
});

test("with TEST_BUILT=1 it runs what is built, and never the source instead", (t) => {
  const variables = { TEST_BUILT: "1" };
  assert.deepEqual(runClone(t, { has: ["src", "dist"], variables }), { code: 0, output: "from dist\n", errors: "" });
  const { code, output, errors } = runClone(t, { has: ["src"], variables });
  assert.deepEqual({ code, output }, { code: 1, output: "" });
  assert.match(errors, /neither installed nor built\n→ npm install/);
});
