/** Hooks as they are configured, of the real process. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { newWebhookSecret } from "@suda/protocol";
import { clientId, CommandRefused, eventually, ServerProcess, signToken, textOf, userId, WireClient, writeTokenKey } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-hooks-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeTokenKey(directory);
  return directory;
}

/** What `suda serve` says when it does not start: what happened, and how to fix it. */
function refusalOf(directory: string, variables: Readonly<Record<string, string>>): readonly [what: string, fix: string] {
  const env = { ...process.env, ...variables };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "serve", "--port", "0", "--store", "memory", "--data", directory], {
    cwd: directory,
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
  const [what = "", fix = "", ...more] = stderr.trimEnd().split("\n");
  assert.deepEqual([status, more], [2, []], stdout + stderr);
  assert.doesNotMatch(stdout, /^ready/m);
  return [what, fix];
}

test("[W17] SUDA_HOOKS_MODULE: no such module, one that fails, one without hooks, and one whose hooks are none keep the server from starting", async (t) => {
  const directory = temporaryDirectory(t);
  const write = (name: string, source: string): string => {
    const file = join(directory, name);
    writeFileSync(file, source);
    return file;
  };
  for (const [file, what, fix] of [
    [join(directory, "nowhere.mjs"), /nowhere\.mjs cannot be loaded: Error.*Cannot find module/, /SUDA_HOOKS_MODULE/],
    [
      write("fails.mjs", "export const hooks = {};\nthrow new Error('no licence\\nfound');"),
      /fails\.mjs cannot be loaded: Error: no licence$/,
      /SUDA_HOOKS_MODULE/,
    ],
    [write("none.mjs", "export const beforeSend = () => {};"), /none\.mjs exports no hooks$/, /export const hooks = \{ beforeSend: \{ hook \}/],
    [write("other.mjs", "export const hooks = { beforeSent: { hook() {} } };"), /other\.mjs exports no hooks$/, /export const hooks = /],
    [
      write("bare.mjs", "export const hooks = { beforeSend() {} };"),
      /^suda: SUDA_HOOKS_MODULE, hooks\.beforeSend: It is not \{ hook: … \} but a function\.$/,
      /beforeSend: \{ hook/,
    ],
  ] as const) {
    const refusal = refusalOf(directory, { SUDA_HOOKS_MODULE: file });
    assert.match(refusal[0], what);
    assert.match(refusal[1], fix);
  }
});

test("[W17] a hook's URL that can never be called, or has no secret, is told by the setting's name, and what is secret in it is not", async (t) => {
  const directory = temporaryDirectory(t);
  const secret = newWebhookSecret();
  const url = "https://example.com/hook";
  for (const [variables, what, fix] of [
    [{ SUDA_BEFORE_SEND_URL: "example.com/hook" }, /^suda: SUDA_BEFORE_SEND_URL is not a URL that begins with https:\/\/ or/, /hookSecret/],
    [{ SUDA_AFTER_COMMIT_URL: "ftp://example.com/hook" }, /^suda: SUDA_AFTER_COMMIT_URL is not a URL/, /hookSecret/],
    [{ SUDA_BEFORE_SEND_URL: "https://me:hunter2@example.com/" }, /^suda: SUDA_BEFORE_SEND_URL holds a user name or password/, /hookSecret/],
    [{ SUDA_AFTER_COMMIT_URL: "http://example.com/hook" }, /^suda: SUDA_AFTER_COMMIT_URL cannot be called: It is not https\./, /SUDA_OUTGOING_ALLOW/],
    [{ SUDA_BEFORE_SEND_URL: "https://10.0.0.1/" }, /^suda: SUDA_BEFORE_SEND_URL cannot be called: It is a private address/, /SUDA_OUTGOING_ALLOW/],
    [{ SUDA_BEFORE_SEND_URL: url, SUDA_HOOK_SECRET: "hunter2" }, /SUDA_HOOK_SECRET is no secret/, /whsec_/],
  ] as const) {
    const refusal = refusalOf(directory, { SUDA_HOOK_SECRET: secret, ...variables });
    assert.match(refusal[0], what);
    assert.match(refusal[1], fix);
    assert.doesNotMatch(refusal.join("\n"), /hunter2/);
  }
});

test("[W11] a module's hook refuses a message with its reason, and lets another pass", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(
    join(directory, "hooks.mjs"),
    `export const hooks = { beforeSend: { hook: ({ messages: [{ content }] }) => content.text.includes("bad") ? { decision: "refuse", reason: "Be kind." } : undefined } };`,
  );
  await using server = await ServerProcess.open({
    program: [program, "serve", "--port", "0", "--store", "memory", "--data", directory],
    env: { SUDA_HOOKS_MODULE: join(directory, "hooks.mjs") },
  });
  await using alice = await WireClient.open({ url: server.url, token: signToken(directory, "alice") });
  const { id } = (await alice.request("conversation.open", { with: userId("bob") })).conversation;
  const say = (text: string): Promise<{ readonly seq: number }> =>
    alice.request("message.send", { conversation: id, clientId: clientId(text[0] ?? ""), content: textOf(text) });
  await assert.rejects(say("a bad word"), (error) => error instanceof CommandRefused && error.message === "send.refused: Be kind.");
  assert.equal((await say("better")).seq, 1);
});

test("[W18] a hook with offload: true computes in a thread: another user's message is acknowledged meanwhile", async (t) => {
  const directory = temporaryDirectory(t);
  const [computing, go] = [join(directory, "computing"), join(directory, "go")];
  // Without a pause, as an old classifier does; on the loop nobody could write the file that ends it, and the time would be over.
  writeFileSync(
    join(directory, "hooks.mjs"),
    `import { existsSync, writeFileSync } from "node:fs";
export const hooks = { beforeSend: { offload: true, timeoutMs: 60_000, hook: ({ messages: [{ content }] }) => {
  if (content.text !== "slow") return undefined;
  writeFileSync(${JSON.stringify(computing)}, "");
  for (const end = Date.now() + 20_000; !existsSync(${JSON.stringify(go)}) && Date.now() < end; );
  return existsSync(${JSON.stringify(go)}) ? { decision: "refuse", reason: "computed" } : undefined;
} } };`,
  );
  await using server = await ServerProcess.open({
    program: [program, "serve", "--port", "0", "--store", "memory", "--data", directory],
    env: { SUDA_HOOKS_MODULE: join(directory, "hooks.mjs") },
  });
  await using alice = await WireClient.open({ url: server.url, token: signToken(directory, "alice") });
  await using carol = await WireClient.open({ url: server.url, token: signToken(directory, "carol") });
  const { id } = (await alice.request("conversation.open", { with: userId("bob") })).conversation;
  const { id: other } = (await carol.request("conversation.open", { with: userId("bob") })).conversation;
  let isAnswered = false;
  const slow = assert
    .rejects(alice.request("message.send", { conversation: id, clientId: clientId("s"), content: textOf("slow") }), { message: "send.refused: computed" })
    .finally(() => (isAnswered = true));
  await eventually(async () => existsSync(computing));
  assert.equal((await carol.request("message.send", { conversation: other, clientId: clientId("q"), content: textOf("quick") })).seq, 1);
  assert.equal(isAnswered, false);
  writeFileSync(go, "");
  await slow;
});

test("[W18] [W13] one that does not come back has its time, as every hook, and its thread is ended; who comes next is answered", async (t) => {
  for (const [onFailure, expected] of [
    ["refuse", "hook.failed"],
    ["allow", "ok"],
  ] as const) {
    const directory = temporaryDirectory(t);
    const source = `export const hooks = { beforeSend: { offload: true, onFailure: "${onFailure}", hook: ({ messages: [{ content }] }) => {
  while (content.text === "hang");
  if (content.text === "throw") throw new Error("no");
} } };`;
    writeFileSync(join(directory, "hooks.mjs"), source);
    await using server = await ServerProcess.open({
      program: [program, "serve", "--port", "0", "--store", "memory", "--data", directory],
      env: { SUDA_HOOKS_MODULE: join(directory, "hooks.mjs") },
    });
    await using alice = await WireClient.open({ url: server.url, token: signToken(directory, "alice") });
    const { id } = (await alice.request("conversation.open", { with: userId("bob") })).conversation;
    const say = async (text: string): Promise<string> => {
      try {
        await alice.request("message.send", { conversation: id, clientId: clientId(text), content: textOf(text) });
        return "ok";
      } catch (error) {
        if (!(error instanceof CommandRefused)) throw error;
        return error.frame.code;
      }
    };
    assert.equal(await say("hang"), expected);
    assert.equal(await say("throw"), expected);
  }
});

test("[W18] an offload that cannot be meant, and a module that a thread cannot load, keep the server from starting", (t) => {
  const directory = temporaryDirectory(t);
  for (const [source, what] of [
    ["export const hooks = { beforeSend: { offload: 1, hook() {} } };", /hooks\.beforeSend of .* has an offload that cannot be meant/],
    ["export const hooks = { afterCommit: { offload: true } };", /hooks\.afterCommit of .* has an offload that cannot be meant/],
    [
      "import { isMainThread } from 'node:worker_threads';\nif (!isMainThread) throw new Error('main thread only');\nexport const hooks = { beforeSend: { offload: true, hook() {} } };",
      /hooks\.beforeSend of .* does not load in a thread: Error: main thread only$/,
    ],
  ] as const) {
    writeFileSync(join(directory, "hooks.mjs"), source);
    const refusal = refusalOf(directory, { SUDA_HOOKS_MODULE: join(directory, "hooks.mjs") });
    assert.match(refusal[0], what);
    assert.match(refusal[1], /offload/);
  }
});
