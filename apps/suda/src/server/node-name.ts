/** What a node is called when nobody named it: the machine, and something that tells two processes on it apart. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** Another one at each call. */
export function makeNodeName(): string {
  const machine = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 50);
  return `${machine === "" ? "node" : machine}-${randomBytes(2).toString("hex")}`;
}
