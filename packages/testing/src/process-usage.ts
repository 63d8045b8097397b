/** What a process has used, as the operating system counted it (proc(5)): all threads, user and system. */
import { readFileSync } from "node:fs";

/** Clock ticks a second as /proc tells them; USER_HZ is 100 on every Linux that Node runs on. */
const microsecondsPerTick = 10_000;

/** Microseconds of CPU since the process began, in steps of 10 ms. */
export function readCpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The second field is the name in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

/** Resident memory, bytes. */
export function readMemoryBytes(pid: number): number {
  return readStatusBytes(pid, "VmRSS");
}

/** The most resident memory that the process ever had, bytes. */
export function readPeakMemoryBytes(pid: number): number {
  return readStatusBytes(pid, "VmHWM");
}

function readStatusBytes(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1_024;
}
