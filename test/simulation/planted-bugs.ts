/**
 * Bugs for the simulation to find, each as somebody might write it, put between the server and its store, its layer
 * or its clients, or into a client. What each must be seen as stands beside it.
 */
import type { ConversationId, LogEvent } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "@suda/server/channel-layer";
import type { AppendOutcome, ConversationRecord, ConversationStore, LogEntry, Store } from "@suda/server/store";
import { ReferenceClient, type ClientEnvironment, type Frame, type SimulatedClient, type SimulatedWorldOptions } from "@suda/testing";
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
  { name: "resume off by one", kinds: ["device.incomplete"], plant: () => ({ openClient: (given) => new OffByOne(given) }) },
  { name: "skipped authorisation", kinds: ["stranger.saw"], plant: () => ({ server: { store: anybodyIsMember } }) },
  { name: "removed member still subscribed", kinds: ["stranger.saw"], plant: () => ({ server: { layer: keepsTheRemoved } }) },
  { name: "time going backwards", kinds: ["shown.time"], plant: () => ({ server: { store: backwards } }) },
  {
    name: "lag not sent",
    kinds: ["device.incomplete"],
    plant: () => ({ tamper: inFrames("to client", (frame) => (frame["type"] === "lag" ? undefined : frame)) }),
  },
  { name: "lost rename", kinds: ["snapshot.differs"], plant: () => ({ server: { store: cachesForEver } }) },
  { name: "unread miscounted", kinds: ["snapshot.unread"], plant: () => ({ server: { store: countsOneMore } }) },
  { name: "events applied twice", kinds: ["log.differs"], plant: () => ({ openClient: (given) => new Twice(given) }) },
];

// ── between the server and its store or layer ─────────────────────────────────────────────────────────

function withConversations(store: Store, changed: Partial<ConversationStore>): Store {
  return { ...parts(store), conversations: { ...store.conversations, ...changed } };
}

function parts(store: Store): Store {
  return {
    log: store.log,
    conversations: store.conversations,
    users: store.users,
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function anybodyIsMember(store: Store): Store {
  return withConversations(store, {
    member: async (id, user) => (await store.conversations.member(id, user)) ?? { user, role: "member", joinedAt: 0, readSeq: 0, readOrdinal: 0 },
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

function keepsTheRemoved(layer: ChannelLayer): ChannelLayer {
  const removed = new Map<string, Set<string>>();
  return {
    open: (receive) => layer.open(receive),
    send: (channel, event) => layer.send(channel, event),
    groupAdd: (group, channel) => layer.groupAdd(group, channel),
    groupDiscard: (group, channel) => layer.groupDiscard(group, channel),
    stats: () => layer.stats(),
    [Symbol.asyncDispose]: () => layer[Symbol.asyncDispose](),
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

function inFrames(where: "to client" | "to server", change: (frame: Frame) => Frame | undefined): NonNullable<SimulatedWorldOptions["tamper"]> {
  return (text, direction) => {
    if (direction !== where) return text;
    const value = JSON.parse(text) as Frame | Frame[];
    const frames = (Array.isArray(value) ? value : [value]).flatMap((frame) => change(frame) ?? []);
    return frames.length === 0 ? undefined : JSON.stringify(frames.length === 1 ? frames[0] : frames);
  };
}

// ── in a client ───────────────────────────────────────────────────────────────────────────────────────

/** A client that shows something else than the reference client has. */
abstract class FaultyClient implements SimulatedClient {
  protected readonly inner: ReferenceClient;

  constructor(environment: ClientEnvironment) {
    this.inner = new ReferenceClient({
      ...environment,
      transport: (url, handlers) => {
        this.connecting();
        return environment.transport(url, handlers);
      },
    });
  }

  get isSettled(): boolean {
    return this.inner.isSettled;
  }

  get conversations(): SimulatedClient["conversations"] {
    return new Map([...this.inner.conversations].map(([id, { events, title, memberCount }]) => [id, { events: this.shown(id, events), title, memberCount }]));
  }

  send(...args: Parameters<SimulatedClient["send"]>): void {
    this.inner.send(...args);
  }

  ask(command: Frame): void {
    this.inner.ask(command);
  }

  protected connecting(): void {}

  protected abstract shown(id: ConversationId, events: readonly LogEvent[]): readonly LogEvent[];
}

/** Says of each conversation that it has one entry more than it has, and believes it. */
class OffByOne extends FaultyClient {
  readonly #skipped = new Map<ConversationId, Set<number>>();

  protected override connecting(): void {
    // The first connection is made while the client is.
    for (const [id, { events }] of (this.inner as ReferenceClient | undefined)?.conversations ?? [])
      this.#skipped.set(id, new Set([...(this.#skipped.get(id) ?? []), events.length + 1]));
  }

  protected override shown(id: ConversationId, events: readonly LogEvent[]): readonly LogEvent[] {
    return events.filter(({ seq }) => this.#skipped.get(id)?.has(seq) !== true);
  }
}

/** Shows an entry again that comes again. */
class Twice extends FaultyClient {
  protected override shown(_id: ConversationId, events: readonly LogEvent[]): readonly LogEvent[] {
    return events.length % 10 === 0 ? [...events, ...events.slice(-1)] : events;
  }
}
