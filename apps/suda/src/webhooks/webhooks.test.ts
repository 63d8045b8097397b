/** `suda webhooks` against a running server: lists and replays, and says what is missing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { LogEvent } from "@suda/protocol";
import { MemoryStore } from "@suda/server/store";
import { eventually, ManualClock, openWebhookWorld, testApiKey, TestServer, textOf } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));

function run(args: readonly string[], variables?: Readonly<Record<string, string>>): ReturnType<typeof runSuda> {
  return runSuda(["webhooks", ...args], variables);
}

function runSuda(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = { SUDA_API_KEY: testApiKey },
): Promise<{ code: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env: { ...process.env, ...variables } }, (_error, output, errors) =>
      resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}

test("[W7] dead letters are listed, and replayed until one fails", async () => {
  let status = 500;
  await using world = await openWebhookWorld({ respond: (_received, response) => void response.writeHead(status).end() });
  const { suda, id } = world;
  const url = await suda.listen();
  for (const text of ["하나", "둘"]) await world.say(text);
  await eventually(
    async () => (await world.status()).deadLetters === 2,
    () => suda.clock.advance(600_000),
  );
  const listed = await run(["dead-letters", "tutor", "--url", url]);
  assert.match(listed.output, /^2 dead letters$/m);
  assert.ok(listed.output.includes(`message.created ${id} seq 1, `), listed.output);
  const failed = await run(["replay", "tutor", "--url", url]);
  assert.match(failed.output, /^0 delivered, 0 not there any more, 2 left\n✗ the next one failed: The status is 500\./);
  assert.equal(failed.code, 1);
  status = 200;
  const letters = (await run(["dead-letters", "tutor", "--json", "--url", url])).output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string });
  assert.deepEqual(await run(["replay", "tutor", "--id", letters[1]?.id ?? "", "--url", url]), { code: 0, output: "✓ delivered\n", errors: "" });
  assert.match((await run(["replay", "tutor", "--url", url])).output, /^1 delivered, 0 not there any more, 0 left$/m);
  assert.equal((await run(["dead-letters", "tutor", "--url", url])).output, "✓ no dead letters\n");
});

test("[W7] without a key, with a wrong one, and without a server it says what to do", async () => {
  await using suda = await TestServer.open();
  const url = await suda.listen();
  for (const [args, variables, what] of [
    [["dead-letters", "tutor", "--url", url], {}, /no API key is known\n→ Set SUDA_API_KEY/],
    [["dead-letters", "tutor", "--url", url], { SUDA_API_KEY: "wrong" }, /\(auth\.invalid\)\n→ Set SUDA_API_KEY/],
    [["dead-letters", "nobody", "--url", url], { SUDA_API_KEY: testApiKey }, /\(user\.not_found\)\n→ /],
    [["replay", "tutor", "--url", "http://127.0.0.1:9"], { SUDA_API_KEY: testApiKey }, /nothing answers at http:\/\/127\.0\.0\.1:9\n→ /],
  ] as const) {
    const { code, errors } = await run(args, variables);
    assert.match(errors, what);
    assert.equal(code, 1);
  }
});

test("[W16] `suda hooks` lists and replays those of the hook after a commit, and says when there is none", async () => {
  let isWell = false;
  const told: number[] = [];
  const hook = ({ seq }: LogEvent): void => {
    if (!isWell) throw new Error("not now");
    told.push(seq);
  };
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  await using suda = await TestServer.open({ store, clock, hooks: { afterCommit: { hook } } });
  await eventually(async () => (await store.documents.get("hook-cursors", "~since")) !== undefined);
  const url = await suda.listen();
  const { body } = await suda.backend("alice").post("/v1/conversations", { kind: "direct", members: ["bob"] });
  const { id } = (body as { conversation: { id: string } }).conversation;
  await suda.backend("alice").post(`/v1/conversations/${id}/messages`, { clientId: "a", content: textOf("안녕") });
  await eventually(
    async () => (await store.documents.list("dead-letters", undefined, 2)).length === 1,
    () => clock.advance(600_000),
  );
  const listed = await runSuda(["hooks", "dead-letters", "--url", url]);
  assert.ok(listed.output.includes(`message.created ${id} seq 1, `) && listed.output.endsWith("1 dead letter\n"), listed.output);
  const failed = await runSuda(["hooks", "replay", "--url", url]);
  assert.deepEqual([failed.code, failed.output], [1, "0 delivered, 0 not there any more, 1 left\n✗ the next one failed: not now\n"]);
  isWell = true;
  assert.deepEqual(await runSuda(["hooks", "replay", "--url", url]), { code: 0, output: "1 delivered, 0 not there any more, 0 left\n", errors: "" });
  assert.deepEqual(told, [1]);
  assert.equal((await runSuda(["hooks", "dead-letters", "--url", url])).output, "✓ no dead letters\n");
  await using without = await TestServer.open();
  const { code, errors } = await runSuda(["hooks", "replay", "--url", await without.listen()]);
  assert.equal(code, 1);
  assert.match(errors, /\(hook\.not_found\)\n→ Start it with SUDA_HOOKS_MODULE/);
});
