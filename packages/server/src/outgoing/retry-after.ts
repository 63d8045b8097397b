/** RFC 9110 §10.2.3: seconds, or a date. */
import type { Clock } from "@suda/protocol";

const dayMs = 86_400_000;

/** Milliseconds to wait, within a day; `undefined` when nothing legible was said. */
export function retryAfterMs(header: string | readonly string[] | undefined, clock: Clock): number | undefined {
  if (typeof header !== "string") return undefined;
  const text = header.trim();
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) - clock.now() : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), dayMs);
}
