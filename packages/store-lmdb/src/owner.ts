/**
 * One writer process per directory (S20). The owner's record lies in the store itself and is checked and set
 * inside one write transaction, so two starting at once cannot both win; the file system's locks are not used,
 * because they are lost with the first descriptor that closes and say little across containers.
 *
 * An owner on the same kernel and in the same process namespace is judged by its process: gone, or another
 * start time than noted, means that it died. Any other (another container, or the machine rebooted) is judged
 * by its beat, which must be younger than {@link staleOwnerMs}. Who was taken over by its beat may only be slow,
 * so it is fenced: its commits carry the condition that the fence does not exist, and fail from then on.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";

/** A beat older than this is a dead owner's. */
export const staleOwnerMs = 15_000;
/** How often an owner beats: two may fail before it counts as dead. */
export const beatIntervalMs = 5_000;

export interface Owner {
  /** One opening of the store. */
  readonly token: string;
  readonly pid: number;
  /** Clock ticks between boot and the process's start; `null` where /proc is absent. */
  readonly startedAt: string | null;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  readonly hostname: string;
  /** Inode of the data file: the record in a copy of the file speaks of the original. */
  readonly file: string;
  /** Epoch ms. */
  readonly beat: number;
}

export function newOwner(dataFile: string, beat: number): Owner {
  return {
    token: randomUUID(),
    pid: process.pid,
    startedAt: startOf(process.pid) ?? null,
    bootId: attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) ?? null,
    pidNamespace: attempt(() => readlinkSync("/proc/self/ns/pid")) ?? null,
    hostname: hostname(),
    file: String(statSync(dataFile, { bigint: true }).ino),
    beat,
  };
}

/**
 * What `other`, who has left its record, does now, seen from `self`: `running` and `dead` are certain;
 * `beating` and `silent` go by its beat alone, and a silent one must be fenced before it is replaced.
 * @param now epoch ms, of the same clock as the beats
 */
export function judgeOwner(other: Owner, { self, now, staleMs }: { self: Owner; now: number; staleMs: number }): "running" | "dead" | "beating" | "silent" {
  if (other.file !== self.file) return "dead";
  const isSameKernel = other.hostname === self.hostname && other.bootId === self.bootId && other.pidNamespace === self.pidNamespace;
  if (isSameKernel && other.startedAt !== null) return startOf(other.pid) === other.startedAt ? "running" : "dead";
  if (isSameKernel && !isRunning(other.pid)) return "dead";
  // A beat from the future is a clock that was set back: as good as fresh, and it ages from there.
  return now - other.beat <= staleMs ? "beating" : "silent";
}

/** Field 22 of /proc/…/stat, counted behind the name, which may hold anything; `undefined` for a process that is gone, or dead and not yet reaped. */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields?.[19];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Of a file that some systems do not have. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
