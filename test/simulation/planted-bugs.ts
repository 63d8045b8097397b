/**
 * Bugs for the simulation to find, each as somebody might write it, put between the server and its store, its layer
 * or its clients, or around a client. What each must be seen as stands beside it.
 */
import type { ClientConversation, ConversationSnapshot, Outbox, SudaClient, Transport } from "@suda/client";
import { limits, type ConversationId, type LogEvent } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "@suda/server/channel-layer";
import type { AppendOutcome, ConversationRecord, ConversationStore, LogEntry, Store } from "@suda/server/store";
import type { Frame, SimulatedWorldOptions } from "@suda/testing";
import { ackBeforeCommit, fanOutBeforeCommit, noDeduplication } from "../kill/planted-stores.ts";

export interface PlantedBug {
  readonly name: string;
  /** One of these is how it must be seen. */
  readonly kinds: readonly string[];
  /** Fresh for each world. */
  readonly plant: () => Partial<SimulatedWorldOptions>;
}

export const plantedBugs: readonly PlantedBug[] = [
  { name: "ack before commit", kinds: ["acked.lost"], plant: () => ({ server: { store: ackBeforeCommit }, faults: ["crash"], faultRate: 0.3 }) },
  { name: "no deduplication", kinds: ["log.duplicate"], plant: () => ({ server: { store: noDeduplication } }) },
  { name: "fan-out before commit", kinds: ["observed.lost", "observed.changed"], plant: fanOutEarly },
  { name: "resume off by one", kinds: ["device.incomplete"], plant: () => ({ server: { store: resumesOneTooFar } }) },
  { name: "skipped authorisation", kinds: ["stranger.saw"], plant: () => ({ server: { store: anybodyIsMember } }) },
  { name: "nodes that compare nothing", kinds: ["device.incomplete", "device.unsettled"], plant: () => ({ nodes: 2, server: { layer: withoutLink } }) },
  { name: "removed member still subscribed", kinds: ["stranger.saw"], plant: () => ({ server: { layer: keepsTheRemoved } }) },
  { name: "time going backwards", kinds: ["shown.time"], plant: () => ({ server: { store: backwards } }) },
  {
    name: "lag not sent",
    kinds: ["device.incomplete"],
    plant: () => ({ tamper: inFrames("to client", (frame) => (frame["type"] === "lag" ? undefined : frame)), faults: ["slow reader"], faultRate: 0.4 }),
  },
  { name: "lost rename", kinds: ["snapshot.differs"], plant: () => ({ server: { store: cachesForEver } }) },
  { name: "unread miscounted", kinds: ["snapshot.unread"], plant: () => ({ server: { store: countsOneMore } }) },
  { name: "deletion erases nothing", kinds: ["erased.shown", "erased.kept"], plant: () => ({ server: { store: remembersAll } }) },
  { name: "reactions miscounted", kinds: ["snapshot.differs"], plant: () => ({ server: { store: countsReactionsTwice } }) },
  { name: "store forgets what was used up", kinds: ["tap.twice"], plant: () => ({ server: { store: forgetsOnce } }) },
  {
    name: "client ignores deletions",
    kinds: ["device.differs"],
    plant: () => ({ tamper: inFrames("to client", (frame) => (frame["type"] === "message.deleted" ? { ...frame, type: "message.unknown" } : frame)) }),
  },
  { name: "client shows a hole", kinds: ["device.incomplete"], plant: () => ({ client: { client: showsHoles } }) },
  { name: "client applies twice", kinds: ["stream.twice"], plant: () => ({ client: { client: (client) => tellsListeners(client, 2) } }) },
  { name: "client passes over an event", kinds: ["stream.hole"], plant: () => ({ client: { client: (client) => tellsListeners(client, 0) } }) },
  {
    name: "outbox forgets on restart",
    kinds: ["message.lost"],
    plant: () => ({ client: { outbox: forgets }, faults: ["device restart", "offline"], faultRate: 0.3 }),
  },
  { name: "client retries with a new clientId", kinds: ["stored.lost"], plant: () => ({ client: { transport: newIdsForRetries } }) },
  {
    name: "client taps twice, with two clientIds",
    kinds: ["tap.repeated"],
    plant: () => ({ tamper: inFrames("to server", (frame) => (frame["type"] === "interaction.tap" ? [frame, tappedAgain(frame)] : frame)) }),
  },
];

// ── between the server and its store or layer ─────────────────────────────────────────────────────────

/** What is changed of a record or a member shows in both ways of reading it. */
function withConversations(store: Store, changed: Partial<Omit<ConversationStore, "getWithMember">>): Store {
  const separate = { ...store.conversations, ...changed };
  const getWithMember: ConversationStore["getWithMember"] = async (id, user) => {
    const conversation = await separate.get(id);
    return conversation && { conversation, member: await separate.member(id, user) };
  };
  return { ...parts(store), conversations: { ...separate, getWithMember } };
}

function parts(store: Store): Store {
  return {
    log: store.log,
    conversations: store.conversations,
    users: store.users,
    documents: store.documents,
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** What a client that comes back has missed is read from the entry after the first one that it misses. */
function resumesOneTooFar(store: Store): Store {
  const { log } = store;
  const isResume = (limit: number): boolean => limit === limits.resumePageMax;
  return {
    ...parts(store),
    log: { ...log, readAfter: (id, after, limit, maxBytes) => log.readAfter(id, isResume(limit) ? after + 1 : after, limit, maxBytes) },
  };
}

/** Entries are read as they were appended, whatever was deleted since. */
function remembersAll(store: Store): Store {
  const bodies = new Map<string, LogEntry["body"]>();
  const whole = (id: ConversationId, entry: LogEntry): LogEntry => ({ ...entry, body: bodies.get(`${id} ${entry.seq}`) ?? entry.body });
  return {
    ...parts(store),
    log: {
      ...store.log,
      append: async (id, ...args) => {
        const outcomes = await store.log.append(id, ...args);
        for (const outcome of outcomes) if (outcome.outcome === "stored") bodies.set(`${id} ${outcome.entry.seq}`, outcome.entry.body);
        return outcomes;
      },
      readAfter: async (id, ...args) => (await store.log.readAfter(id, ...args)).map((entry) => whole(id, entry)),
      readBefore: async (id, ...args) => (await store.log.readBefore(id, ...args)).map((entry) => whole(id, entry)),
    },
  };
}

/** Buttons that count once are written as if they did not, and read as they were sent: nothing is ever used up. */
function forgetsOnce(store: Store): Store {
  const withOnce = (body: LogEntry["body"], isOnce: boolean): LogEntry["body"] => {
    if ((body.type !== "message.created" && body.type !== "message.edited") || body.content.type !== "card") return body;
    const buttons = body.content.buttons?.map((button) => (button.id === "take" ? { ...button, once: isOnce } : button)) ?? [];
    return { ...body, content: { ...body.content, buttons } };
  };
  const read = (entry: LogEntry): LogEntry => ({ ...entry, body: withOnce(entry.body, true) });
  return {
    ...parts(store),
    log: {
      ...store.log,
      append: async (id, drafts, options) => {
        const outcomes = await store.log.append(
          id,
          drafts.map((draft) => ({ ...draft, body: withOnce(draft.body, false) })),
          options,
        );
        return outcomes.map((outcome) => (outcome.outcome === "stored" ? { ...outcome, entry: read(outcome.entry) } : outcome));
      },
      readAfter: async (...args) => (await store.log.readAfter(...args)).map(read),
      readBefore: async (...args) => (await store.log.readBefore(...args)).map(read),
    },
  };
}

function countsReactionsTwice(store: Store): Store {
  const more = (entry: LogEntry): LogEntry => {
    const { annotation } = entry;
    if (annotation?.reactions === undefined) return entry;
    return { ...entry, annotation: { ...annotation, reactions: annotation.reactions.map(({ emoji, count }) => ({ emoji, count: count + 1 })) } };
  };
  return {
    ...parts(store),
    log: { ...store.log, readBefore: async (...args) => (await store.log.readBefore(...args)).map(more) },
  };
}

function anybodyIsMember(store: Store): Store {
  return withConversations(store, {
    member: async (id, user) =>
      (await store.conversations.member(id, user)) ?? { user, role: "member", joinedAt: 0, readSeq: 0, readOrdinal: 0, deliveredSeq: 0 },
  });
}

function backwards(store: Store): Store {
  const late = (entry: LogEntry): LogEntry => ({ ...entry, at: entry.at - (entry.seq % 2) * 60_000 });
  const lateOutcome = (outcome: AppendOutcome): AppendOutcome => (outcome.outcome === "stored" ? { ...outcome, entry: late(outcome.entry) } : outcome);
  return {
    ...parts(store),
    log: {
      ...store.log,
      append: async (...args) => (await store.log.append(...args)).map(lateOutcome),
      readAfter: async (...args) => (await store.log.readAfter(...args)).map(late),
      readBefore: async (...args) => (await store.log.readBefore(...args)).map(late),
    },
  };
}

/** Titles are kept from when they were first read. */
function cachesForEver(store: Store): Store {
  const titles = new Map<ConversationId, string | undefined>();
  const stale = ({ title, ...rest }: ConversationRecord): ConversationRecord => {
    if (!titles.has(rest.id)) titles.set(rest.id, title);
    const kept = titles.get(rest.id);
    return kept === undefined ? rest : { ...rest, title: kept };
  };
  const { conversations } = store;
  return withConversations(store, {
    get: async (id) => {
      const record = await conversations.get(id);
      return record === undefined ? undefined : stale(record);
    },
    getMany: async (ids) => (await conversations.getMany(ids)).map(stale),
  });
}

function countsOneMore(store: Store): Store {
  return withConversations(store, {
    member: async (id, user) => {
      const member = await store.conversations.member(id, user);
      return member === undefined ? undefined : { ...member, readOrdinal: Math.max(0, member.readOrdinal - 1) };
    },
  });
}

/** As if there was one process. */
function withoutLink(layer: ChannelLayer): ChannelLayer {
  return {
    open: (receive) => layer.open(receive),
    send: (channel, event) => layer.send(channel, event),
    groupAdd: (group, channel) => layer.groupAdd(group, channel),
    groupDiscard: (group, channel) => layer.groupDiscard(group, channel),
    groupSend: (group, event) => layer.groupSend(group, event),
    groupSendHere: (group, event) => layer.groupSendHere(group, event),
    isGroupHere: (group) => layer.isGroupHere(group),
    stats: () => layer.stats(),
    [Symbol.asyncDispose]: () => layer[Symbol.asyncDispose](),
  };
}

function keepsTheRemoved(layer: ChannelLayer): ChannelLayer {
  const removed = new Map<string, Set<string>>();
  return {
    ...withoutLink(layer),
    async groupSend(group, event) {
      await layer.groupSend(group, event);
      if (event.type !== "conversation.event") return;
      const entry = (event as LayerEvent & { readonly event: LogEvent }).event;
      const gone = removed.get(entry.conversation) ?? new Set<string>();
      removed.set(entry.conversation, gone);
      for (const user of gone) await layer.groupSend(`user:${user}`, event);
      if (entry.type === "member.removed") gone.add(entry.user);
      if (entry.type === "member.added") for (const user of entry.users) gone.delete(user);
    },
  };
}

function fanOutEarly(): Partial<SimulatedWorldOptions> {
  let current: ChannelLayer | undefined;
  // The store is wrapped first; by the first append the layer is there.
  const later = { groupSend: (group: string, event: LayerEvent) => current?.groupSend(group, event) ?? Promise.resolve() } as ChannelLayer;
  return { server: { store: (store) => fanOutBeforeCommit(store, later), layer: (layer) => (current = layer) } };
}

// ── between the server and its clients ────────────────────────────────────────────────────────────────

function inFrames(
  where: "to client" | "to server",
  change: (frame: Frame) => Frame | readonly Frame[] | undefined,
): NonNullable<SimulatedWorldOptions["tamper"]> {
  return (text, direction) => {
    if (direction !== where) return text;
    const value = JSON.parse(text) as Frame | Frame[];
    const frames = (Array.isArray(value) ? value : [value]).flatMap((frame) => change(frame) ?? []);
    return frames.length === 0 ? undefined : JSON.stringify(frames.length === 1 ? frames[0] : frames);
  };
}

/** The answer to it is to nobody's question. */
function tappedAgain(frame: Frame): Frame {
  return { ...frame, ref: `again-${String(frame["ref"])}`, clientId: `${String(frame["clientId"])}-again` };
}

// ── around a client ───────────────────────────────────────────────────────────────────────────────────

function clientWith(client: SudaClient, changed: Partial<SudaClient>): SudaClient {
  return {
    connection: client.connection,
    conversations: client.conversations,
    presence: client.presence,
    unconfirmed: client.unconfirmed,
    user: client.user,
    ready: () => client.ready(),
    conversation: (id) => client.conversation(id),
    openDirect: (user) => client.openDirect(user),
    createGroup: (group) => client.createGroup(group),
    request: client.request,
    on: (type, listener) => client.on(type, listener),
    retryNow: () => client.retryNow(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    ...changed,
  };
}

function showing(room: ClientConversation, change: (snapshot: ConversationSnapshot) => ConversationSnapshot): ClientConversation {
  return {
    id: room.id,
    subscribe: room.subscribe,
    getSnapshot: () => change(room.getSnapshot()),
    load: () => room.load(),
    loadOlder: () => room.loadOlder(),
    sendText: (...args) => room.sendText(...args),
    send: (...args) => room.send(...args),
    retry: (clientId) => room.retry(clientId),
    discard: (clientId) => room.discard(clientId),
    tap: (...args) => room.tap(...args),
    markRead: (seq) => room.markRead(seq),
    startTyping: () => room.startTyping(),
    stopTyping: () => room.stopTyping(),
  };
}

function showsHoles(client: SudaClient): SudaClient {
  return clientWith(client, { conversation: (id) => showing(client.conversation(id), withoutTenth) });
}

function withoutTenth(snapshot: ConversationSnapshot): ConversationSnapshot {
  return { ...snapshot, events: snapshot.events.filter(({ seq }) => seq !== 10) };
}

/** Of every tenth event listeners are told so many times. */
function tellsListeners(client: SudaClient, times: 0 | 2): SudaClient {
  return clientWith(client, {
    on: (type, listener) =>
      client.on(type, (event) => {
        const isTenth = type === "event" && (event as LogEvent).seq % 10 === 0;
        for (let i = 0; i < (isTenth ? times : 1); i++) listener(event);
      }),
  });
}

function forgets(outbox: Outbox): Outbox {
  return { load: async () => (await outbox.load()).slice(0, 0), put: (entry) => outbox.put(entry), remove: (clientId) => outbox.remove(clientId) };
}

function newIdsForRetries(transport: Transport): Transport {
  const used = new Set<unknown>();
  return (url, handlers) => {
    const socket = transport(url, handlers);
    const send = (text: string): void => {
      const frame = JSON.parse(text) as Frame;
      const isRetry = frame["type"] === "message.send" && used.has(frame["clientId"]);
      if (frame["type"] === "message.send") used.add(frame["clientId"]);
      socket.send(isRetry ? JSON.stringify({ ...frame, clientId: `${String(frame["clientId"])}-again` }) : text);
    };
    return { send, close: (code) => socket.close(code) };
  };
}
