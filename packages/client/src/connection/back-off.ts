/**
 * When to connect again: exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And
 * Jitter"), so that thousands of clients do not come back in the same moment.
 */
import type { Random } from "@suda/protocol";

const baseMs = 500;
const capMs = 60_000;

export interface Attempt {
  /** Attempts that failed in a row, this one not counted; 0 after a connection that held. */
  readonly failures: number;
  /** The server restarts and wants its clients back within this time: for the first attempt. */
  readonly windowMs: number | undefined;
  /** The server asked for at least this. */
  readonly retryAfterMs: number | undefined;
}

/** Milliseconds until the next attempt. */
export function backOffMs(random: Random, { failures, windowMs, retryAfterMs }: Attempt): number {
  const ceilingMs = failures === 0 && windowMs !== undefined ? windowMs : Math.min(capMs, baseMs * 2 ** failures);
  return Math.round((retryAfterMs ?? 0) + random.float() * ceilingMs);
}
