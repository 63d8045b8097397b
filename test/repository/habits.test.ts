/** Habits of the house that a reader of one file would not notice when they are broken. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { filesThat, isSource, isTest, paths, root } from "./repository.ts";

/** Files over 400 lines, each with its reason. The limit is the reader, not the number. */
const longFiles: Readonly<Record<string, string>> = {};

test("no file is over 400 lines without a reason", () => {
  const long = filesThat((path) => isSource(path)).filter(({ text }) => text.split("\n").length > 401);
  assert.deepEqual(
    long.filter(({ path }) => !Object.hasOwn(longFiles, path)).map(({ path }) => path),
    [],
  );
  const listed = Object.keys(longFiles).filter((path) => !long.some((file) => file.path === path));
  assert.deepEqual(listed, [], "these are short enough now, or gone: take them off the list");
});

test("the thousand worlds come last, when no other test file needs the machine", () => {
  // The order in which Node runs them.
  assert.equal(paths.filter(isTest).toSorted().at(-1), "test/simulation/simulation.test.ts");
});

test("exports have names", () => {
  const withDefault = filesThat((path) => isSource(path)).filter(({ text }) => /^export default\b|^export \{[^}]*\bas default\b/m.test(text));
  assert.deepEqual(
    withDefault.map(({ path }) => path),
    [],
  );
});

test("only the command's configuration reads the environment", () => {
  const readers = filesThat((path) => /^(packages|apps)\/[^/]+\/(src|bin)\//.test(path) && isSource(path) && !isTest(path))
    .filter(({ text }) => /\bprocess\s*\.\s*env\b/.test(text))
    .map(({ path }) => path)
    // The kit starts processes and hands its own environment on.
    .filter((path) => !path.startsWith("apps/suda/src/config/") && !path.startsWith("packages/testing/"));
  // Which of its two programs it starts (TEST_BUILT) is settled before there is a configuration.
  assert.deepEqual(readers, ["apps/suda/bin/suda.js"]);
});

test("time and chance come in as arguments", () => {
  const free = filesThat(
    (path) => /^packages\/(protocol|server|store-lmdb|store-cassandra|channel-layer-redis|client|bot)\/src\//.test(path) && isSource(path) && !isTest(path),
  )
    .filter(({ path }) => path !== "packages/protocol/src/clock.ts")
    .filter(({ text }) => /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bperformance\.now\(/.test(text));
  assert.deepEqual(
    free.map(({ path }) => path),
    [],
  );
});

test("no index re-exports everything, and no file is called utils", () => {
  assert.deepEqual(
    filesThat((path) => isSource(path) && !isTest(path))
      .filter(({ text }) => /^export \*/m.test(text))
      .map(({ path }) => path),
    [],
  );
  assert.deepEqual(
    paths.filter((path) => /(^|\/)(utils?|helpers?|misc|common)\.\w+$/.test(path)),
    [],
  );
});

test("no path of a machine and no private address is in a file", () => {
  const machine = ["root", "home", "Users", "work"].map((name) => `/${name}/`).join("|");
  const found = filesThat((path) => !path.endsWith("package-lock.json"))
    .filter(({ text }) => new RegExp(`(?<![\\w.:/*-])(?:${machine})[A-Za-z]`).test(text))
    .map(({ path }) => path);
  assert.deepEqual(found, []);
});

test("the lockfile and the npm settings name no registry", () => {
  const hosts = filesThat((path) => /(^|\/)(package-lock\.json|\.npmrc)$/.test(path)).flatMap(({ path, text }) =>
    Array.from(text.matchAll(/(?:"resolved": "|registry\s*=\s*)(https?:[^"\n]+)/g), ([, host = ""]) => `${path}: ${host}`),
  );
  assert.deepEqual(hosts, []);
});

test("what is built or written by running is not tracked", () => {
  const tracked = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n");
  assert.deepEqual(
    tracked.filter((path) => /(^|\/)(dist|node_modules|suda-data)\/|\.tsbuildinfo$|token-key$/.test(path)),
    [],
  );
});
