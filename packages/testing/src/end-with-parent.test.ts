import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const module = fileURLToPath(new URL("end-with-parent.ts", import.meta.url));
/** Two children, one of which does not hear SIGTERM; prints their ids. */
const parent = `
import { spawn } from "node:child_process";
import { endWithParent } from ${JSON.stringify(module)};
const children = ["exec sleep 60", "trap '' TERM; echo deaf; while :; do sleep 1; done"].map((script) => spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] }));
for (const child of children) endWithParent(child);
children[1].stdout.once("data", () => console.log(children.map(({ pid }) => pid).join(" ")));
setInterval(() => {}, 1_000);
`;

test("children end with a parent that is killed, also those that do not hear SIGTERM", { timeout: 30_000 }, async () => {
  const killed = spawn(process.execPath, ["--import", "tsx", "--conditions=suda-source", "--input-type=module", "-e", parent], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: killed.stdout }), "line")) as [string];
  const pids = line.split(" ").map(Number);
  assert.equal(pids.length, 2);
  for (const pid of pids) assert.ok(isAlive(pid));
  killed.kill("SIGKILL");
  while (pids.some(isAlive)) await sleep(50);
});

test("the guard keeps neither a parent from ending nor a child that has ended in mind", { timeout: 30_000 }, async () => {
  const script = `
import { spawn } from "node:child_process";
import { endWithParent } from ${JSON.stringify(module)};
const child = spawn("true");
endWithParent(child);
`;
  const short = spawn(process.execPath, ["--import", "tsx", "--conditions=suda-source", "--input-type=module", "-e", script], { stdio: "inherit" });
  assert.deepEqual(await once(short, "exit"), [0, null]);
});

/** Somebody may have to take note of a child's end before its id is gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
