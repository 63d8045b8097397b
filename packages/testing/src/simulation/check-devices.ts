/**
 * What each device of a settled world shows: `snapshot + events = fresh snapshot`, the fresh one equal to the log replayed,
 * listeners told everything once and in order, and every message that was written in the log or refused.
 */
import { isDeepStrictEqual } from "node:util";
import type { ConversationSnapshot, SudaClient } from "@suda/client";
import type { Conversation, ConversationId } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";
import { replayLog } from "./replay-log.ts";
import type { SimulatedDevice } from "./simulated-device.ts";

export type Report = (kind: string, message: string) => void;
export type Logs = ReadonlyMap<ConversationId, readonly LogEntry[]>;
/** Seqs of the messages that one user deleted for themself. */
export type Hidden = ReadonlyMap<ConversationId, ReadonlySet<number>>;

/** A client that was never here before and shows everything, against the logs. */
export function checkFresh(user: string, fresh: SudaClient, { logs, hidden, report }: { logs: Logs; hidden: Hidden; report: Report }): void {
  for (const { id } of fresh.conversations.getSnapshot().conversations) {
    const where = `${id}, opened afresh by ${user},`;
    const { events, record } = fresh.conversation(id).getSnapshot();
    const replayed = replayLog(id, logs.get(id) ?? [], user, hidden.get(id) ?? new Set());
    if (events.length !== replayed.events.length) report("device.incomplete", `${where} has ${events.length} entries of ${replayed.events.length}`);
    const index = events.findIndex((event, at) => !isDeepStrictEqual(event, replayed.events[at]));
    if (index >= 0) report("snapshot.differs", `${where} shows ${JSON.stringify(events[index])}, the log says ${JSON.stringify(replayed.events[index])}`);
    if (!isDeepStrictEqual(record?.pins ?? [], replayed.pins))
      report("snapshot.differs", `${where} has the pins ${String(record?.pins)}, the log says ${String(replayed.pins)}`);
    if (replayed.title !== undefined && (record?.title ?? null) !== replayed.title)
      report("snapshot.differs", `${where} has the title ${record?.title ?? "-"}, the log says ${replayed.title ?? "-"}`);
    if (!isDeepStrictEqual(record?.control, replayed.control))
      report("snapshot.differs", `${where} has the control ${JSON.stringify(record?.control)}, the log says ${JSON.stringify(replayed.control)}`);
    checkUnread(where, { events, record }, report);
  }
}

/** [D9] counted anew. */
function checkUnread(where: string, { events, record }: Pick<ConversationSnapshot, "events" | "record">, report: Report): void {
  const { read = 0, unread = 0 } = record ?? {};
  const recount = events.filter(({ type, seq }) => type === "message.created" && seq > read).length;
  if (recount !== unread) report("snapshot.unread", `${where} has ${recount} messages after seq ${read}, and the server says ${unread}`);
}

/** A device that was there all the time, or came back, against the fresh one. */
export function checkDevice(device: SimulatedDevice, { fresh, report }: { fresh: SudaClient; report: Report }): void {
  const { client, name } = device;
  if (client === undefined) return report("device.missing", `${name} does not run`);
  const list = client.conversations.getSnapshot();
  const freshList = fresh.conversations.getSnapshot();
  const freshIds = freshList.conversations.map(({ id }) => id);
  const known = new Set(device.known);
  for (const id of known) if (!freshIds.includes(id)) report("device.extra", `${name} shows ${id}, of which its user is no member`);
  for (const id of freshIds) {
    if (!known.has(id)) report("device.missing", `${name} does not show ${id}`);
    else checkShown(`${id} on ${name}`, { shown: client.conversation(id).getSnapshot(), fresh: fresh.conversation(id).getSnapshot(), report });
  }
  if (list.unread !== freshList.unread) report("snapshot.unread", `${name} has ${list.unread} unread messages, a fresh device ${freshList.unread}`);
}

function checkShown(where: string, { shown, fresh, report }: { shown: ConversationSnapshot; fresh: ConversationSnapshot; report: Report }): void {
  const { events } = shown;
  if (events.length !== fresh.events.length) report("device.incomplete", `${where} has ${events.length} entries of ${fresh.events.length}`);
  const index = events.findIndex((event, at) => !isDeepStrictEqual(event, fresh.events[at]));
  if (index >= 0) report("device.differs", `${where} shows ${JSON.stringify(events[index])}, a fresh device ${JSON.stringify(fresh.events[index])}`);
  for (const field of new Set([...fieldsOf(shown.record), ...fieldsOf(fresh.record)])) {
    const [one, other] = [shown.record?.[field], fresh.record?.[field]].map(plain);
    const kind = field === "unread" ? "snapshot.unread" : "snapshot.differs";
    if (!isDeepStrictEqual(one, other)) report(kind, `${where} has the ${field} ${JSON.stringify(one)}, a fresh device ${JSON.stringify(other)}`);
  }
  // Those of the log are made of the events; what is left of those on their way is only what was refused.
  const sent = shown.messages.filter(({ state }) => state !== "failed");
  if (sent.length !== fresh.messages.length) report("device.differs", `${where} shows ${sent.length} messages, a fresh device ${fresh.messages.length}`);
}

function fieldsOf(record: Conversation | undefined): readonly (keyof Conversation)[] {
  return Object.keys(record ?? {}) as (keyof Conversation)[];
}

/** No pins, and none any more, are the same. */
function plain(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? undefined : value;
}

/** [D5] What a listener was told, once and in order, goes to the head. */
export function checkStream({ client, streamed, streamProblems, name }: SimulatedDevice, report: Report): void {
  for (const { kind, message } of streamProblems) report(kind, message);
  for (const { id, head } of client?.conversations.getSnapshot().conversations ?? []) {
    const last = streamed.get(id);
    if (last !== undefined && last !== head) report("stream.incomplete", `${name} was told ${id} up to seq ${last} of ${head}`);
  }
}

/** What the user wrote is in the log, once, or was refused, or was lost with the device before it was durable there. */
export function checkWritten({ written, disk, user, name }: SimulatedDevice, { logs, report }: { logs: Logs; report: Report }): void {
  for (const { conversation, clientId, storedSeq, isRefused } of written) {
    const entries = logs.get(conversation)?.filter((entry) => entry.clientId === clientId && entry.from === user) ?? [];
    const what = `${clientId} of ${name} in ${conversation}`;
    if (storedSeq !== undefined && entries[0]?.seq !== storedSeq) report("stored.lost", `${what} was told to be stored at seq ${storedSeq}`);
    if (entries.length > 1) report("log.duplicate", `${what} is there ${entries.length} times`);
    const isExcused = isRefused || disk.entries.get(clientId)?.failure !== undefined || !disk.kept.has(clientId);
    if (entries.length === 0 && !isExcused) report("message.lost", `${what} was kept by the device, and is not in the log`);
  }
}
