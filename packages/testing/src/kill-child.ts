import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** `kill -9`, if it runs. Resolves when it is gone. */
export async function killChild(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
