import { spawn, type ChildProcess } from "node:child_process";

/**
 * Ends the child when this process ends, however that comes: SIGTERM and a second later SIGKILL. A test that is killed cannot end its
 * servers and engines; a shell does it, whose standard input ends with the test.
 */
export function endWithParent(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const script = `trap '' INT TERM HUP; cat >/dev/null; kill -TERM ${child.pid}; sleep 1; kill -KILL ${child.pid}`;
  const guard = spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"] });
  // It keeps nobody from ending.
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  // Its id may soon be another's.
  child.once("exit", () => guard.kill("SIGKILL"));
}
