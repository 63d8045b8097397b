/** Waiting that a signal ends. */
import type { Clock } from "@suda/protocol";

/** @throws the signal's reason when it is aborted first */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let give: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = clock.schedule(ms, resolve);
      give = () => {
        timer.cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", give, { once: true });
    });
  } finally {
    if (give !== undefined) signal.removeEventListener("abort", give);
  }
}
