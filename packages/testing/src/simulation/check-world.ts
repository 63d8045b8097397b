/**
 * Whether everybody agrees after a simulated world has settled: what clients were told with the logs (`checkHistory`),
 * the store with itself (`verifyStore`), what each device shows with a fresh snapshot, and who saw what with who may.
 */
import type { Conversation, ConversationId } from "@suda/protocol";
import { verifyStore, type LogEntry } from "@suda/server/store";
import { checkHistory, type LogReading } from "../checker.ts";
import type { ShownConversation } from "./reference-client.ts";
import type { Device, SimulatedWorld } from "./simulated-world.ts";
import { entryOf, framesOf } from "./wire-tap.ts";

/** `kind` is a kind of `checkHistory` or `verifyStore`, or one of this file. */
export interface Disagreement {
  readonly kind: string;
  readonly message: string;
}

type Report = (kind: string, message: string) => void;

export async function checkWorld(world: SimulatedWorld): Promise<readonly Disagreement[]> {
  const found: Disagreement[] = [];
  const report: Report = (kind, message) => found.push({ kind, message });
  for (const failure of world.failures) report("server.failed", failure instanceof Error ? (failure.stack ?? failure.message) : String(failure));
  if (world.tap.refusals.has("server.internal")) report("server.failed", "a client was answered server.internal");
  await verifyStore(world.store, ({ kind, conversation, seq, message }) => report(kind, `${conversation ?? "store"} ${seq ?? ""}: ${message}`));
  const logs = await readLogs(world);
  const readings = [...readingsOf(world)];
  // The log as a stranger to all clients reads it comes first: the others are compared with it.
  const truth: LogReading[] = [...logs].map(([conversation, entries]) => ({ conversation, reader: "the store", entries: entries.map(storedEntryOf) }));
  for (const { kind, conversation, message } of checkHistory({ history: world.tap.history, logs: [...truth, ...readings] }))
    report(kind, `${conversation}: ${message}`);
  const members = new Map([...logs].map(([id, entries]) => [id, intervalsOf(entries)]));
  await checkSights(world, { members, report });
  checkTimes(world, report);
  for (const user of world.users) {
    const fresh = await freshList(world, user);
    for (const device of world.devices) if (device.user === user) checkDevice(device, { fresh, report });
  }
  return found;
}

async function readLogs({ store }: SimulatedWorld): Promise<Map<ConversationId, readonly LogEntry[]>> {
  const logs = new Map<ConversationId, readonly LogEntry[]>();
  for (const id of await store.conversations.list(undefined, 1_000)) {
    const entries: LogEntry[] = [];
    for (let page = await store.log.readAfter(id, 0, 1_000); page.length > 0; page = await store.log.readAfter(id, entries.length, 1_000))
      entries.push(...page);
    logs.set(id, entries);
  }
  return logs;
}

function storedEntryOf({ seq, at, from, clientId, body }: LogEntry): LogReading["entries"][number] {
  return entryOf({ ...body, conversation: "", seq, at, from, ...(clientId === undefined ? {} : { clientId }) } as never);
}

function* readingsOf({ devices }: SimulatedWorld): Generator<LogReading> {
  for (const { client, name } of devices)
    for (const [conversation, { events }] of client.conversations) yield { conversation, reader: name, entries: events.map(entryOf) };
}

// ── who may see what ──────────────────────────────────────────────────────────────────────────────────

interface Interval {
  readonly from: number;
  to: number;
}

/** From the entry of the joining (0: from the beginning) to that of the removal, both included. */
function intervalsOf(entries: readonly LogEntry[]): ReadonlyMap<string, readonly Interval[]> {
  const intervals = new Map<string, Interval[]>();
  for (const { seq, body } of entries) {
    if (body.type === "member.added") for (const user of body.users) intervals.set(user, [...(intervals.get(user) ?? []), { from: seq, to: Infinity }]);
    if (body.type !== "member.removed") continue;
    const own = intervals.get(body.user);
    const last = own?.at(-1);
    // Whom no entry added was there from the beginning.
    if (last === undefined) intervals.set(body.user, [{ from: 0, to: seq }]);
    else last.to = seq;
  }
  return intervals;
}

/** Whoever saw an entry was a member when it came (live), or at some time after it (in a page). */
async function checkSights(
  { tap, store }: SimulatedWorld,
  { members, report }: { members: ReadonlyMap<string, ReadonlyMap<string, readonly Interval[]>>; report: Report },
): Promise<void> {
  const founders = new Map<string, boolean>();
  for (const { user, conversation, seq, isLive } of tap.sights) {
    let own = members.get(conversation)?.get(user);
    if (own === undefined) {
      // Named by no entry: a founder who is still there, or a stranger.
      const key = `${conversation}\n${user}`;
      let isFounder = founders.get(key);
      if (isFounder === undefined)
        founders.set(key, (isFounder = (await store.conversations.member(conversation as ConversationId, user as never)) !== undefined));
      own = isFounder ? [{ from: 0, to: Infinity }] : [];
    }
    if (!own.some(({ from, to }) => seq <= to && (!isLive || seq >= from)))
      report("stranger.saw", `${user} saw seq ${seq} of ${conversation}${isLive ? " live" : ""}, and was no member`);
  }
}

/** [S2] as users see it. */
function checkTimes({ tap }: SimulatedWorld, report: Report): void {
  const times = new Map<string, number[]>();
  for (const { conversation, seq, at } of tap.sights) {
    let known = times.get(conversation);
    if (known === undefined) times.set(conversation, (known = []));
    if (known[seq] !== undefined && known[seq] !== at) report("shown.time", `seq ${seq} of ${conversation} was shown with two times`);
    known[seq] = at;
  }
  for (const [conversation, known] of times) {
    let before = 0;
    for (const [seq, at] of known.entries()) {
      if (at === undefined) continue;
      if (at < before) report("shown.time", `seq ${seq} of ${conversation} was shown with a time before that of an earlier one`);
      before = at;
    }
  }
}

// ── what a device shows ───────────────────────────────────────────────────────────────────────────────

/** The user's conversations as a device that never was here before is told of them. */
async function freshList(world: SimulatedWorld, user: string): Promise<ReadonlyMap<ConversationId, Conversation>> {
  const list = new Map<ConversationId, Conversation>();
  let ref = 0;
  const pages = { areDone: false };
  const connection = world.server.connect(user, {
    client: {
      onOpen: () => connection.clientSend(JSON.stringify({ type: "hello", ref: ++ref })),
      onMessage: (text) => {
        for (const frame of framesOf(text)) {
          if (frame["type"] !== "reply") continue;
          for (const conversation of frame["conversations"] as readonly Conversation[]) list.set(conversation.id, conversation);
          if (frame["more"] === true) connection.clientSend(JSON.stringify({ type: "conversation.list", cursor: frame["next"], ref: ++ref }));
          else pages.areDone = true;
        }
      },
      onClose: () => {},
    },
    delayMs: 1,
    onClientClosed: () => {},
  });
  while (!pages.areDone) await world.time.advance(20);
  connection.clientClose(1000);
  return list;
}

function checkDevice({ client, name }: Device, { fresh, report }: { fresh: ReadonlyMap<ConversationId, Conversation>; report: Report }): void {
  for (const id of client.conversations.keys()) if (!fresh.has(id)) report("device.extra", `${name} shows ${id}, of which its user is no member`);
  for (const [id, conversation] of fresh) {
    const shown = client.conversations.get(id);
    if (shown === undefined) report("device.missing", `${name} does not show ${id}`);
    else checkShown(`${id} on ${name}`, { shown, conversation, report });
  }
}

function checkShown(where: string, { shown, conversation, report }: { shown: ShownConversation; conversation: Conversation; report: Report }): void {
  const { events, title, memberCount } = shown;
  if (events.length !== conversation.head) report("device.incomplete", `${where} has ${events.length} entries of ${conversation.head}`);
  if (title !== conversation.title) report("snapshot.differs", `${where} has the title ${title ?? "-"}, a fresh snapshot ${conversation.title ?? "-"}`);
  if (memberCount !== conversation.memberCount)
    report("snapshot.differs", `${where} counts ${memberCount} members, a fresh snapshot ${conversation.memberCount}`);
  const { read = 0, unread = 0 } = conversation;
  const recount = events.filter((event) => event.type === "message.created" && event.seq > read).length;
  if (recount !== unread) report("snapshot.unread", `${where}: ${recount} messages after seq ${read}, and the server says ${unread}`);
}
