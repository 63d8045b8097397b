/** The protocol's tests pass where `__proto__` throws: nothing of ours, and nothing that we use, reads or writes it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

test("[F7] the protocol's tests pass under --disable-proto=throw", { timeout: 120_000 }, () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts") && name !== basename(import.meta.filename));
  assert.ok(files.length > 5, "the other tests are here");
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-proto=throw", "--import", "tsx", "--conditions=suda-source", "--test", ...files.map((name) => join(folder, name))],
    { env, encoding: "utf8" },
  );
  assert.equal(status, 0, `${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`);
  assert.match(stdout, /^# pass [1-9]/m);
});
