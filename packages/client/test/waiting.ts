/** Waiting for a state and not for time. */
import type { Observable } from "../src/snapshot-store.ts";

const timeoutMs = 10_000;

/** Subscribes until a snapshot fits, and returns it. @throws Error after 10 s */
export async function until<Snapshot>(source: Observable<Snapshot>, fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  let end = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`No snapshot fitted within ${timeoutMs} ms; the last: ${describe(source.getSnapshot())}`)), timeoutMs);
      const look = (): void => {
        const snapshot = source.getSnapshot();
        if (fits(snapshot)) resolve(snapshot);
      };
      end = source.subscribe(look);
      look();
    });
  } finally {
    clearTimeout(timer);
    end();
  }
}

/** Everything that is under way in promises has run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part))?.slice(0, 2_000) ?? String(value);
}
