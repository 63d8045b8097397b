/**
 * Stores with a planted bug, around a good one: what the checker must catch. Each is the bug as somebody
 * might write it; everything else passes through.
 */
import type { ClientId, ConversationId, LogEvent } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "@suda/server/channel-layer";
import { digestOf, emptyHash, type AppendOptions, type AppendOutcome, type Draft, type LogEntry, type LogStore, type Store } from "@suda/server/store";

/** The store that `log` is put before. */
function withLog(inner: Store, log: LogStore): Store {
  return {
    log,
    conversations: inner.conversations,
    users: inner.users,
    documents: inner.documents,
    status: () => inner.status(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function othersOf(inner: Store): Omit<LogStore, "append"> {
  return {
    readAfter: (conversation, after, limit, maxBytes) => inner.log.readAfter(conversation, after, limit, maxBytes),
    readBefore: (conversation, before, limit, maxBytes) => inner.log.readBefore(conversation, before, limit, maxBytes),
    reactedBy: (conversation, user, seqs) => inner.log.reactedBy(conversation, user, seqs),
    truncate: (conversation, before) => inner.log.truncate(conversation, before),
  };
}

/** Writes everything late, in the order of the calls: long enough for a kill of a process to fall between within a few rounds. */
export function writeBehind(inner: Store): Store {
  return withLog(inner, {
    ...othersOf(inner),
    async append(conversation, drafts, options) {
      // Timers of one length fire in order.
      await new Promise((resolve) => setTimeout(resolve, 25));
      return inner.log.append(conversation, drafts, options);
    },
  });
}

/** Acknowledges what it is about to write: a kill between the two loses what the sender holds for safe. */
export function ackBeforeCommit(inner: Store): Store {
  const predictor = new Predictor(inner);
  return withLog(inner, {
    ...othersOf(inner),
    async append(conversation, drafts, options) {
      const predicted = await predictor.predict(conversation, drafts, options);
      const appended = inner.log.append(conversation, drafts, options);
      if (predicted === undefined) return appended;
      // "It will be written soon enough."
      appended.catch(() => {});
      return [{ outcome: "stored", entry: predicted }];
    },
  });
}

/** Shows the members what it is about to write; the sender waits, so that nothing acknowledged is lost, but what was seen may vanish. */
export function fanOutBeforeCommit(inner: Store, layer: ChannelLayer): Store {
  const predictor = new Predictor(inner);
  return withLog(inner, {
    ...othersOf(inner),
    async append(conversation, drafts, options) {
      const entry = await predictor.predict(conversation, drafts, options);
      // Begun before it is shown, as the order of the log is the order of these calls.
      const appended = inner.log.append(conversation, drafts, options);
      if (entry !== undefined) await showEarly(layer, conversation, entry);
      return appended;
    },
  });
}

async function showEarly(layer: ChannelLayer, conversation: ConversationId, entry: LogEntry): Promise<void> {
  if (entry.body.type !== "message.created") return;
  const { seq, at, from, clientId, body } = entry;
  const event = { conversation, seq, at, from, clientId, ...body } as LogEvent;
  // The shape and the group's name of packages/server/src/chat/fan-out.ts.
  const shown: LayerEvent & { event: LogEvent } = { type: "conversation.event", event };
  await layer.groupSend(`conversation:${conversation}`, shown);
}

/** Takes every try for a new message: a retry after a lost answer is there twice. */
export function noDeduplication(inner: Store): Store {
  const mark = "~";
  let count = 0;
  const unmark = (entry: LogEntry): LogEntry => (entry.clientId === undefined ? entry : { ...entry, clientId: entry.clientId.split(mark)[0] as ClientId });
  const unmarkOutcome = (outcome: AppendOutcome): AppendOutcome =>
    outcome.outcome === "stored" ? { outcome: "stored", entry: unmark(outcome.entry) } : outcome;
  return withLog(inner, {
    async append(conversation, drafts, options) {
      const marked = drafts.map((draft) =>
        draft.clientId === undefined ? draft : { ...draft, clientId: `${draft.clientId}${mark}${process.pid}.${++count}` as ClientId },
      );
      return (await inner.log.append(conversation, marked, options)).map(unmarkOutcome);
    },
    readAfter: async (...args) => (await inner.log.readAfter(...args)).map(unmark),
    readBefore: async (...args) => (await inner.log.readBefore(...args)).map(unmark),
    reactedBy: (...args) => inner.log.reactedBy(...args),
    truncate: (...args) => inner.log.truncate(...args),
  });
}

/** Says what an append is going to store: the next seq, unless the message is there already. */
class Predictor {
  readonly #inner: Store;
  readonly #logs = new Map<ConversationId, Promise<PredictedLog>>();

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** `undefined` for what it cannot know, which then takes the good way. */
  async predict(conversation: ConversationId, drafts: readonly Draft[], options: AppendOptions | undefined): Promise<LogEntry | undefined> {
    let loading = this.#logs.get(conversation);
    if (loading === undefined) this.#logs.set(conversation, (loading = this.#load(conversation)));
    const log = await loading;
    const [draft] = drafts;
    if (draft === undefined || draft.clientId === undefined || drafts.length > 1 || options !== undefined) return undefined;
    const key = `${draft.from}\n${draft.clientId}`;
    if (log.known.has(key)) return undefined;
    log.known.add(key);
    const { from, clientId, body } = draft;
    return { seq: ++log.head, at: Date.now(), from, clientId, body, ordinal: log.head, digest: digestOf(body), hash: emptyHash };
  }

  async #load(conversation: ConversationId): Promise<PredictedLog> {
    const log: PredictedLog = { head: 0, known: new Set() };
    for (;;) {
      const entries = await this.#inner.log.readAfter(conversation, log.head, 1_000);
      if (entries.length === 0) return log;
      for (const { seq, from, clientId } of entries) {
        log.head = seq;
        if (clientId !== undefined) log.known.add(`${from}\n${clientId}`);
      }
    }
  }
}

interface PredictedLog {
  head: number;
  readonly known: Set<string>;
}
