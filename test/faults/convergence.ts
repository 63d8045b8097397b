/** When faults are over: whether all devices come to agree with each other, with a device that was never here before, and with the logs. */
import { setTimeout as sleep } from "node:timers/promises";
import { verifyStore, type Store } from "@suda/server/store";
import { checkHistory } from "@suda/testing";
import { checkUsers } from "./check-users.ts";
import { compareDevices, type CompareOptions } from "./compare-devices.ts";
import { describeState, type Device } from "./device.ts";
import { historyOf, type JournalEntry } from "./journal.ts";
import { logsOf } from "./town.ts";

export interface Convergence {
  /** ms until every device had sent everything and knew as much of every log as any other did; or until the patience was over. */
  readonly tookMs: number;
  /** Who had not by then, in words. */
  readonly late: readonly string[];
}

export async function converge(devices: readonly Device[], patienceMs: number): Promise<Convergence> {
  const startedAt = performance.now();
  for (;;) {
    const late = lateOf(devices);
    const tookMs = Math.round(performance.now() - startedAt);
    if (late.length === 0 || tookMs > patienceMs) return { tookMs, late };
    await sleep(100);
  }
}

function lateOf(devices: readonly Device[]): readonly string[] {
  const late: string[] = [];
  const heads = new Map<string, number>();
  for (const { rooms } of devices) for (const room of rooms) heads.set(room.id, Math.max(heads.get(room.id) ?? 0, room.getSnapshot().record?.head ?? 0));
  for (const device of devices) {
    const isBehind = device.rooms.some((room) => {
      const { record, events } = room.getSnapshot();
      return ((device.isFollowing ? events.at(-1)?.seq : record?.head) ?? 0) < (heads.get(room.id) ?? 0);
    });
    if (!device.isOpen) late.push(`${device.name} is ${describeState(device.client.connection.getSnapshot())}`);
    else if (!device.isSent) late.push(`${device.name} still sends`);
    else if (isBehind) late.push(`${device.name} lacks entries`);
  }
  return late;
}

/** Read marks may still be on their way when everything is sent: asked again for ten seconds. @returns what differs in the end, in words */
export async function disagreements(options: CompareOptions): Promise<readonly string[]> {
  for (const endsAt = performance.now() + 10_000; ; ) {
    const differences = await compareDevices(options);
    if (differences.length === 0 || performance.now() > endsAt) return differences;
    await sleep(500);
  }
}

/** Holds a store that nobody writes to any more against itself, and against what clients were told and users saw. @returns what is wrong, in words */
export async function checkStore(store: Store, entries: readonly JournalEntry[]): Promise<readonly string[]> {
  const found: string[] = [];
  await verifyStore(store, ({ kind, conversation, message }) => found.push(`${kind} in ${conversation ?? "the store"}: ${message}`));
  const logs = await logsOf(store);
  const violations = [...checkHistory({ history: historyOf(entries), logs }), ...checkUsers(entries, logs)];
  return [...found, ...violations.map(({ kind, conversation, message }) => `${kind} in ${conversation}: ${message}`)];
}
