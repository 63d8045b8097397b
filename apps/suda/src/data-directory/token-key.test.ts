import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemRandom } from "@suda/protocol";
import { jwtVerify } from "jose";
import { CommandError } from "../command-error.ts";
import { signToken } from "./sign-token.ts";
import { openTokenKey, readTokenKey, tokenKeyPath } from "./token-key.ts";

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-key-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const isRefused = (code: string) => (error: unknown) => error instanceof CommandError && error.code === code;

test("a key is made once, with its directory, readable by its owner alone", (t) => {
  const directory = join(temporaryDirectory(t), "a", "b");
  const key = openTokenKey(directory, systemRandom);
  assert.equal(key.byteLength, 32);
  assert.equal(statSync(tokenKeyPath(directory)).mode & 0o777, 0o600);
  assert.deepEqual(openTokenKey(directory, systemRandom), key);
});

test("a directory without a key has none, and reading it makes none", (t) => {
  const directory = temporaryDirectory(t);
  assert.equal(readTokenKey(directory), undefined);
  assert.equal(readTokenKey(join(directory, "absent")), undefined);
});

test("a damaged key is refused instead of being replaced", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(tokenKeyPath(directory), "short\n");
  assert.throws(() => openTokenKey(directory, systemRandom), isRefused("keys.invalid"));
});

test("a data directory that is a file is refused", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "");
  assert.throws(() => openTokenKey(path, systemRandom), isRefused("data.unusable"));
});

test("a token names its user, ends, and carries the configured audience and issuer", async () => {
  const key = systemRandom.bytes(32);
  const now = Date.now();
  const config = { tokenAudience: "chat", tokenIssuer: "host" };
  const { payload } = await jwtVerify(await signToken({ user: "jimin@host", key, now, lifetimeMs: 60_000, config }), key);
  assert.deepEqual([payload.sub, payload.aud, payload.iss, (payload.exp ?? 0) - (payload.iat ?? 0)], ["jimin@host", "chat", "host", 60]);
  assert.equal(payload["bot"], undefined);
  assert.equal((await jwtVerify(await signToken({ user: "echo", isBot: true, key, now, lifetimeMs: 60_000, config }), key)).payload["bot"], true);
  await assert.rejects(signToken({ user: "지민", key, now, lifetimeMs: 60_000, config }), isRefused("usage"));
});
