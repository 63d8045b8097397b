/**
 * Whether everybody agrees after a simulated world has settled: what clients were told with the logs (`checkHistory`),
 * the store with itself (`verifyStore`), what each device shows with a device that was opened afresh and that with the
 * logs replayed, and who saw what with who may.
 */
import type { ClientConversation, SudaClient } from "@suda/client";
import type { ConversationId, UserId } from "@suda/protocol";
import { entryPages, verifyStore, type LogEntry } from "@suda/server/store";
import { checkHistory, type LogReading } from "../checker.ts";
import { checkDevice, checkFresh, checkStream, checkWritten, type Hidden, type Logs, type Report } from "./check-devices.ts";
import { checkSights } from "./check-sights.ts";
import { checkTaps } from "./check-taps.ts";
import { showAllOf } from "./simulated-device.ts";
import type { SimulatedWorld } from "./simulated-world.ts";
import { entryOf } from "./wire-tap.ts";

/** `kind` is a kind of `checkHistory` or `verifyStore`, or one of these files. */
export interface Disagreement {
  readonly kind: string;
  readonly message: string;
}

/** Virtual, for everything there is. */
const freshMaxMs = 60_000;

export async function checkWorld(world: SimulatedWorld): Promise<readonly Disagreement[]> {
  const found: Disagreement[] = [];
  const report: Report = (kind, message) => void found.push({ kind, message });
  for (const { who, failure } of world.failures) report(`${who}.failed`, failure instanceof Error ? (failure.stack ?? failure.message) : String(failure));
  if (world.tap.refusals.has("server.internal")) report("server.failed", "a client was answered server.internal");
  await verifyStore(world.store, ({ kind, conversation, seq, message }) => report(kind, `${conversation ?? "store"} ${seq ?? ""}: ${message}`));
  const logs = await readLogs(world);
  const readings: LogReading[] = [...logs].map(([conversation, entries]) => ({ conversation, reader: "the store", entries: entries.map(storedEntryOf) }));
  for (const { kind, conversation, message } of checkHistory({ history: world.tap.history, logs: readings })) report(kind, `${conversation}: ${message}`);
  const fresh = await openFresh(world, report);
  await checkSights(world, { logs, report });
  checkTaps(world, { logs, report });
  for (const [user, client] of fresh) checkFresh(user, client, { logs, hidden: await readHidden(world, user as UserId, logs), report });
  for (const device of world.devices) {
    const ofUser = fresh.get(device.user);
    if (ofUser !== undefined) checkDevice(device, { fresh: ofUser, report });
    checkStream(device, report);
    checkWritten(device, { logs, report });
  }
  return found;
}

async function readLogs({ store }: SimulatedWorld): Promise<Logs> {
  const logs = new Map<ConversationId, readonly LogEntry[]>();
  for (const id of await store.conversations.list(undefined, 1_000)) {
    const entries: LogEntry[] = [];
    for await (const page of entryPages(store.log, id)) entries.push(...page);
    logs.set(id, entries);
  }
  return logs;
}

async function readHidden({ store }: SimulatedWorld, user: UserId, logs: Logs): Promise<Hidden> {
  const hidden = new Map<ConversationId, ReadonlySet<number>>();
  for (const [id, entries] of logs) {
    const messages = entries.filter(({ body }) => body.type === "message.created").map(({ seq }) => seq);
    hidden.set(id, await store.conversations.hiddenBy(id, user, messages));
  }
  return hidden;
}

function storedEntryOf({ seq, at, from, clientId, body }: LogEntry): LogReading["entries"][number] {
  return entryOf({ ...body, conversation: "", seq, at, from, ...(clientId === undefined ? {} : { clientId }) } as never);
}

/** A client of each user that was never here before, with everything open. */
async function openFresh(world: SimulatedWorld, report: Report): Promise<ReadonlyMap<string, SudaClient>> {
  const fresh = new Map<string, SudaClient>();
  for (const user of world.users) fresh.set(user, await world.openClient(user));
  const waiting = new Set(fresh.keys());
  const showings = [...fresh].map(async ([user, client]) => {
    try {
      await client.ready();
      await showAllOf(client, (id) => opened(client, id));
    } catch (failure) {
      report("client.failed", `a fresh device of ${user} was not shown everything: ${String(failure)}`);
    } finally {
      waiting.delete(user);
    }
  });
  const end = world.time.now + freshMaxMs;
  while (waiting.size > 0 && world.time.now < end) await world.time.advance(20);
  for (const user of waiting) report("device.unsettled", `a fresh device of ${user} was not shown everything within ${freshMaxMs / 1_000} s`);
  if (waiting.size === 0) await Promise.all(showings);
  return fresh;
}

function opened(client: SudaClient, id: ConversationId): ClientConversation {
  const room = client.conversation(id);
  room.subscribe(() => {});
  return room;
}
