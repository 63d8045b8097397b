/** A program that is killed while it sends, and one after it with the same outbox. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createTestGroup } from "@suda/testing";
import { openFileOutbox } from "../src/node/index.ts";
import { until } from "./waiting.ts";
import { World } from "./world.ts";

test("[D3] [D4] what was acknowledged, and what waited when the program was killed, is in the log once and in order", async () => {
  const folder = await mkdtemp(join(tmpdir(), "suda-killed-"));
  const path = join(folder, "outbox.jsonl");
  try {
    // The server's clock stands still, and with it what refills a limit.
    await using world = await World.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
    await using bob = await world.suda.connect("bob");
    const { id } = await createTestGroup(bob, ["alice"]);
    const acknowledged: string[] = [];
    const waited: string[] = [];
    for (const [round, answers] of [3, 17, 40].entries()) {
      const program = fileURLToPath(new URL("killed-sender.ts", import.meta.url));
      const options = ["--import", import.meta.resolve("tsx"), "--conditions=suda-source"];
      const child = spawn(process.execPath, [...options, program, world.url, world.suda.token("alice"), id, path, String(round * 1_000)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      let count = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line.split(" ")[1] ?? "");
        if (++count === answers) child.kill("SIGKILL");
      }
      await ended;
      assert.ok(count >= answers, `the program ended after ${count} answers`);
      await using left = await openFileOutbox(path);
      waited.push(...(await left.load()).map(({ content }) => (content.type === "text" ? content.text : "")));
    }
    assert.ok(waited.length > 0, "nothing waited: the programs were killed too late");
    await using outbox = await openFileOutbox(path);
    const alice = await world.client("alice", { outbox });
    await until(alice.conversation(id), ({ status, messages }) => status === "ready" && messages.every(({ state }) => state === "sent"));
    await alice[Symbol.asyncDispose]();
    assert.deepEqual(await outbox.load(), []);

    const log: string[] = [];
    for (let after = 0, more = true; more; ) {
      const page = await bob.request({ type: "history.get", conversation: id, after, limit: 200 });
      for (const event of page.events) if (event.type === "message.created" && event.content.type === "text") log.push(event.content.text);
      after = page.events.at(-1)?.seq ?? after;
      more = page.more;
    }
    assert.equal(new Set(log).size, log.length, "a message is in the log twice");
    assert.deepEqual(
      log,
      log.toSorted((a, b) => Number(a) - Number(b)),
    );
    assert.deepEqual(
      [...acknowledged, ...waited].filter((text) => !log.includes(text)),
      [],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
