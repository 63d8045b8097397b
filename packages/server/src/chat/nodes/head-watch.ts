/**
 * What the layer loses between nodes, one node's connections get all the same (promise 13). The watch knows the last entry that
 * connections here were told of each conversation with members here. An event that does not follow it is held until what is
 * between has come; when that does not come, it is read from the log and told here. So a removed member is told nothing that came after
 * the removal, even when the word of the removal was lost (D12).
 *
 * The last event of a conversation may be lost as well, and no later one shows it: {@link HeadWatch.compare} finds that, at
 * {@link NodeWatch}'s beat. Absent where the layer has one process only and can lose nothing.
 */
import type { Clock, ConversationId, Timer } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";
import type { ConversationRecord, Store } from "../../store/store.ts";
import { conversationEvent, conversationGroup, type ConversationEvent } from "../fan-out.ts";
import { viewEvent } from "../view.ts";

/** An entry of the log whose event the layer lost, from the node's own reading of the log: to this node's members alone. */
export interface ConversationMissed extends Omit<ConversationEvent, "type"> {
  readonly type: "conversation.missed";
}

/** More was lost than is told event by event: this node's members read the log up to `head`. */
export interface ConversationBehind extends LayerEvent {
  readonly type: "conversation.behind";
  readonly conversation: ConversationId;
  readonly head: number;
}

export interface HeadWatchOptions {
  readonly store: Pick<Store, "log" | "conversations">;
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  readonly count: (what: WatchCount, count: number) => void;
}

/** What the node missed: events that came out of order and waited for those before them; entries read from the log; conversations told to read it themselves. */
export type WatchCount = "held" | "missed" | "behind";

/** How long an event waits for those before it, which other nodes sent and which may have been overtaken, before they are read. */
const patienceMs = 50;
/** Events that wait so, of one conversation; what is beyond comes from the log. */
const maxHeld = 64;
/** Entries told one by one; of more, members are told to read the log. */
const maxMissed = 200;
/** Records of one read. */
const pageSize = 500;

interface Followed {
  /** Where the first connection here read; what came after was told here. */
  base: number;
  /** The last entry that connections here were told of, or that they read. */
  last: number;
  /** As far as the watch has sent what was missing, which may not have arrived yet. */
  sent: number;
  held: Map<number, ConversationEvent> | undefined;
  patience: Timer | undefined;
  isReading: boolean;
}

export class HeadWatch {
  readonly #options: HeadWatchOptions;
  readonly #followed = new Map<ConversationId, Followed>();
  /** Whether they were told when they came; for channels that come to them later than others. */
  readonly #verdicts = new WeakMap<ConversationEvent, boolean>();
  /** All members here are given the same event in one turn: it is judged once. */
  #judged: ConversationEvent | undefined;
  #verdict = true;

  constructor(options: HeadWatchOptions) {
    this.#options = options;
  }

  /** To be called before a channel joins the group: what was known while nobody was here is old. */
  beforeJoining(id: ConversationId): void {
    if (!this.#options.layer.isGroupHere(conversationGroup(id))) this.#forget(id);
  }

  /** The conversation as it was read by somebody who had joined the group before. */
  learn({ id, head }: Pick<ConversationRecord, "id" | "head">): void {
    const known = this.#followed.get(id);
    if (known === undefined) {
      if (this.#options.layer.isGroupHere(conversationGroup(id)))
        this.#followed.set(id, { base: head.seq, last: head.seq, sent: head.seq, held: undefined, patience: undefined, isReading: false });
    } else if (head.seq < known.base) {
      // Of two that came at once the one who read later was first to say so: what is between was not told to this one.
      known.base = head.seq;
      known.last = head.seq;
      known.sent = head.seq;
      this.#wait(id, known);
    }
  }

  /** Whether a connection is to be told of the event now; if not, it will be, by a {@link ConversationMissed}. */
  admits(known: ConversationEvent): boolean {
    if (known === this.#judged) return this.#verdict;
    this.#judged = known;
    const before = this.#verdicts.get(known);
    this.#verdict = before ?? this.#judge(known);
    if (before === undefined) this.#verdicts.set(known, this.#verdict);
    return this.#verdict;
  }

  /** What the watch sent has arrived. */
  arrived({ event }: ConversationMissed): void {
    const followed = this.#followed.get(event.conversation);
    if (followed !== undefined && event.seq > followed.last) followed.last = event.seq;
  }

  /**
   * Those of the conversations whose log is further than what was told here. Reads them all, 500 at a time; `pause` lets others
   * in between.
   */
  async compare(pause: (records: number) => Promise<void>): Promise<ReadonlyMap<ConversationId, number>> {
    const behind = new Map<ConversationId, number>();
    const ids = [...this.#followed.keys()];
    for (let start = 0; start < ids.length; start += pageSize) {
      const page = ids.slice(start, start + pageSize).filter((id) => this.#isHere(id));
      for (const { id, head } of await this.#options.store.conversations.getMany(page)) {
        const followed = this.#followed.get(id);
        if (followed !== undefined && head.seq > followed.sent) behind.set(id, head.seq);
      }
      await pause(page.length);
    }
    return behind;
  }

  /** Tells what is missing up to `head`, unless it has come meanwhile. */
  async catchUp(id: ConversationId, head: number): Promise<void> {
    const followed = this.#followed.get(id);
    if (followed !== undefined && followed.sent < head) await this.#read(id, followed);
  }

  close(): void {
    for (const { patience } of this.#followed.values()) patience?.cancel();
    this.#followed.clear();
  }

  #judge(known: ConversationEvent): boolean {
    const { conversation: id, seq } = known.event;
    const followed = this.#followed.get(id);
    // Who is about to read the log reads it after this.
    if (followed === undefined) return true;
    // Late: everybody here has read it, was told of it, or is about to be.
    if (seq <= followed.sent) return false;
    if (seq === followed.sent + 1) {
      // What the watch has sent comes first.
      const isNext = followed.last === followed.sent;
      if (isNext) followed.last = followed.sent = seq;
      else this.#tell(id, followed, known);
      if (followed.held !== undefined) this.#release(id, followed);
      return isNext;
    }
    this.#options.count("held", 1);
    followed.held ??= new Map();
    if (followed.held.size < maxHeld) followed.held.set(seq, known);
    this.#wait(id, followed);
    return false;
  }

  #wait(id: ConversationId, followed: Followed): void {
    followed.patience ??= this.#options.clock.schedule(patienceMs, () => {
      followed.patience = undefined;
      this.#read(id, followed).catch(this.#options.onFailure);
    });
  }

  /** What waited and follows now. */
  #release(id: ConversationId, followed: Followed): void {
    const { held } = followed;
    if (held === undefined) return;
    for (const seq of held.keys()) if (seq <= followed.sent) held.delete(seq);
    for (let next = held.get(followed.sent + 1); next !== undefined; next = held.get(followed.sent + 1)) {
      held.delete(next.event.seq);
      this.#tell(id, followed, next);
    }
    if (held.size > 0) return;
    followed.held = undefined;
    followed.patience?.cancel();
    followed.patience = undefined;
  }

  #tell(id: ConversationId, followed: Followed, { event, forSome }: Omit<ConversationEvent, "type">): void {
    followed.sent = event.seq;
    const missed: ConversationMissed = { type: "conversation.missed", event, ...(forSome === undefined ? {} : { forSome }) };
    this.#send(id, missed);
  }

  /** What the log has after what was told. */
  async #read(id: ConversationId, followed: Followed): Promise<void> {
    if (followed.isReading || !this.#isHere(id)) return;
    followed.isReading = true;
    try {
      await this.#readOn(id, followed);
    } finally {
      followed.isReading = false;
    }
  }

  async #readOn(id: ConversationId, followed: Followed): Promise<void> {
    const { store, count } = this.#options;
    const before = followed.sent;
    let isLong = false;
    for (;;) {
      const page = await store.log.readAfter(id, followed.sent, maxMissed);
      const entries = page.filter(({ seq }) => seq > followed.sent);
      // An entry that was changed since is not the same to everybody any more: each reads it for themself.
      isLong ||= page.length === maxMissed || entries.some(({ annotation }) => annotation !== undefined);
      for (const entry of entries) {
        // Those who were removed learn of it in any case: they can read nothing for themselves.
        if (!isLong || entry.body.type === "member.removed") this.#tell(id, followed, conversationEvent(viewEvent(id, entry)));
        else followed.sent = entry.seq;
      }
      count("missed", entries.length);
      if (page.length < maxMissed) break;
    }
    if (isLong) {
      count("behind", 1);
      followed.last = followed.sent;
      const behind: ConversationBehind = { type: "conversation.behind", conversation: id, head: followed.sent };
      this.#send(id, behind);
    }
    // The log has what came before an event, unless it was truncated.
    if (followed.sent === before) followed.sent = Math.max(before, Math.min(...(followed.held?.keys() ?? [before + 1])) - 1);
    this.#release(id, followed);
    if (followed.held !== undefined) this.#wait(id, followed);
  }

  #send(id: ConversationId, event: ConversationMissed | ConversationBehind): void {
    this.#options.layer.groupSendHere(conversationGroup(id), event).catch(this.#options.onFailure);
  }

  #isHere(id: ConversationId): boolean {
    if (this.#options.layer.isGroupHere(conversationGroup(id))) return true;
    this.#forget(id);
    return false;
  }

  #forget(id: ConversationId): void {
    this.#followed.get(id)?.patience?.cancel();
    this.#followed.delete(id);
  }
}
