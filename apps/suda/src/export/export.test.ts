/** `suda export` as an operator runs it, beside a running server. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ClientId, UserId } from "@suda/protocol";
import { ServerProcess, signToken, textOf, WireClient, writeTokenKey } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

function run(...args: string[]): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, "export", ...args], { maxBuffer: 1 << 27 }, (_error, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}

function newData(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-export-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const data = join(directory, "data");
  mkdirSync(data);
  writeTokenKey(data);
  return data;
}

test("[S54] a user's data goes to standard output or a new file as lines of JSON, while the server runs", async (t) => {
  const data = newData(t);
  await using server = await ServerProcess.open({ program: [program, "serve", "--port", "0", "--data", data], env: { SUDA_COMMANDS_PER_SECOND: "0" } });
  await using alice = await WireClient.open({ url: server.url, token: signToken(data, "alice") });
  const { conversation } = await alice.request("conversation.create", { members: ["bob" as UserId] });
  await Promise.all(
    Array.from({ length: 2_000 }, (_, index) =>
      alice.request("message.send", { conversation: conversation.id, clientId: `c${index}` as ClientId, content: textOf(`안녕 ${index} ${"x".repeat(200)}`) }),
    ),
  );
  const { code, output, errors } = await run("--user", "bob", "--data", data);
  assert.deepEqual([code, errors], [0, ""]);
  const lines = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { line: string; event?: { seq: number } });
  assert.deepEqual([lines[0]?.line, lines[1]?.line, lines[2]?.line], ["export", "user", "conversation"]);
  assert.deepEqual(lines.at(-1), { line: "end", conversations: 1, events: 2_000 });
  assert.equal(lines.at(-2)?.event?.seq, 2_000);

  const file = join(data, "..", "bob.jsonl");
  assert.equal((await run("--user", "bob", "--data", data, "--to", file)).code, 0);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const withoutTime = (text: string): string => text.replace(/"at":\d+/, "");
  assert.equal(withoutTime(readFileSync(file, "utf8")), withoutTime(output));
  assert.deepEqual(readdirSync(join(data, "..")).sort(), ["bob.jsonl", "data"]);
  const own = await run("--user", "bob", "--own-only", "--data", data);
  assert.match(own.output, /"line":"end","conversations":1,"events":0\}\n$/, "bob wrote nothing");
  const whole = await run("--conversation", conversation.id, "--data", data);
  assert.match(whole.output, /"line":"end","conversations":1,"events":2000\}\n$/);

  for (const [args, what, exit] of [
    [["--user", "bob", "--to", file], /exists, and an export replaces nothing\n→ /, 1],
    [["--user", "nobody"], /the store holds nothing of nobody\n→ Check the id/, 1],
    [["--user", "bob", "--conversation", conversation.id], /needs either --user or --conversation\n→ /, 2],
    [["--user", "bob", "--store", "memory"], /in memory is gone with its server\n→ /, 2],
  ] as const) {
    const refused = await run(...args, "--data", data);
    assert.match(refused.errors, what);
    assert.deepEqual([refused.code, refused.output], [exit, ""]);
  }

  // A reader that goes away ends it.
  const child = spawn(process.execPath, [program, "export", "--conversation", conversation.id, "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.stdout.destroy();
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
