/**
 * Which conversations have something to work off, and whose turn it is: so many at the same time and no more, the others in the
 * order in which they came. Of a conversation that waits only its name is kept, and what it says stays in the log.
 *
 * Bounded: when as many wait as may, what comes is not kept at all, and the list of conversations is looked through again as
 * soon as there is room. A bot that was away finds its work in the same way.
 */
import { ClientClosed } from "@suda/client";
import type { Clock, Conversation, ConversationId, LogEvent } from "@suda/protocol";
import { ConversationWork, cursorOf, type Cursor, type Turn, type WorkOptions } from "./conversation-work.ts";

export interface WorkloadOptions {
  readonly work: WorkOptions;
  readonly clock: Clock;
  /** Conversations worked off at the same time. */
  readonly concurrency: number;
  /** Conversations that wait, and that are tried again later. */
  readonly maxWaiting: number;
  /** Conversations whose cursor is remembered while nothing is to be done there; others are asked for. */
  readonly maxCursors: number;
  /** There is room again after something was not kept. */
  readonly onRoom: () => void;
  readonly onProblem: (problem: unknown) => void;
}

/** After what should not happen. */
const afterFaultMs = 60_000;

export class Workload {
  readonly #options: WorkloadOptions;
  /** Everything that is queued, being worked off or parked. */
  readonly #works = new Map<ConversationId, ConversationWork>();
  #queue: ConversationWork[] = [];
  readonly #running = new Map<ConversationWork, Promise<void>>();
  /** The last used one is last. */
  readonly #cursors = new Map<ConversationId, Cursor>();
  #hasOverflowed = false;
  #isEnded = false;
  #roomWaiters: (() => void)[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Conversations with something to do. */
  get size(): number {
    return this.#works.size;
  }

  /** A live event. */
  offer(event: LogEvent): void {
    const { conversation: id, seq } = event;
    const known = this.#cursors.get(id);
    if (known !== undefined && seq <= known.seq) return;
    const work = this.#works.get(id);
    if (work !== undefined) return work.offer(event);
    this.#add(id, known)?.offer(event);
  }

  /**
   * A conversation as the server shows it: something is to be done when it has more than the bot has read.
   * @returns false when there is no room for it: it is to be offered again
   */
  offerRecord(record: Conversation): boolean {
    const { id, head } = record;
    const known = this.#cursors.get(id);
    const told = cursorOf(record);
    // What was worked off while the answer was on its way is not worked off again.
    const cursor = known !== undefined && known.epoch === told.epoch && known.seq > told.seq ? known : told;
    const work = this.#works.get(id);
    if (work !== undefined) work.see(record);
    else if (head <= cursor.seq) this.#remember(id, cursor);
    else if (this.#works.size >= this.#options.maxWaiting) return false;
    else this.#add(id, cursor)?.fallBehind();
    return true;
  }

  /** Offered, and looked for later when there is no room. */
  noteRecord(record: Conversation): void {
    if (!this.offerRecord(record)) this.#hasOverflowed = true;
  }

  /** The log has more than came live. */
  fallBehind(id: ConversationId): void {
    const work = this.#works.get(id) ?? this.#add(id, this.#cursors.get(id));
    work?.fallBehind();
  }

  /** After a new hello: a log may have been replaced meanwhile. What waits for a better moment waits no longer. */
  refresh(): void {
    this.#cursors.clear();
    for (const work of this.#works.values()) {
      work.fallBehind();
      this.#unpark(work);
    }
  }

  /** Resolves when at most half of the places are taken. */
  async room(): Promise<void> {
    if (this.#hasRoom()) return;
    await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Nothing new is begun; resolves when nothing runs. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#queue = [];
    for (const { parked } of this.#works.values()) parked?.cancel();
    this.#works.clear();
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    await Promise.all(this.#running.values());
  }

  #add(id: ConversationId, cursor: Cursor | undefined): ConversationWork | undefined {
    const { maxWaiting, work: options } = this.#options;
    if (this.#isEnded) return undefined;
    if (this.#works.size >= maxWaiting) {
      this.#hasOverflowed = true;
      return undefined;
    }
    this.#cursors.delete(id);
    const work = new ConversationWork(id, cursor, options);
    this.#works.set(id, work);
    this.#queue.push(work);
    this.#start();
    return work;
  }

  #start(): void {
    // In a later turn: whoever added the work has not told it yet what there is.
    queueMicrotask(() => {
      while (this.#running.size < this.#options.concurrency) {
        const work = this.#queue.shift();
        if (work === undefined) return;
        this.#running.set(work, this.#run(work));
      }
    });
  }

  async #run(work: ConversationWork): Promise<void> {
    let turn: Turn;
    try {
      turn = await work.run();
    } catch (error) {
      // Disposed of, or the connection ended for good: nothing is marked, so nothing is lost.
      const isEnd = this.#options.work.closing.aborted || error instanceof ClientClosed;
      if (!isEnd) this.#options.onProblem(error);
      turn = isEnd ? { is: "left" } : { is: "later", delayMs: afterFaultMs };
    } finally {
      this.#running.delete(work);
    }
    // Ended meanwhile.
    if (this.#works.get(work.id) !== work) return;
    switch (turn.is) {
      case "idle":
        // It came between the end of the turn and here.
        if (work.hasMore) {
          this.#queue.push(work);
          break;
        }
        this.#remember(work.id, turn.cursor);
        this.#drop(work);
        break;
      case "left":
        this.#drop(work);
        break;
      case "more":
        this.#queue.push(work);
        break;
      case "later":
        work.parked = this.#options.clock.schedule(turn.delayMs, () => this.#unpark(work));
        break;
    }
    this.#start();
  }

  #unpark(work: ConversationWork): void {
    if (work.parked === undefined) return;
    work.parked.cancel();
    work.parked = undefined;
    this.#queue.push(work);
    this.#start();
  }

  #drop(work: ConversationWork): void {
    this.#works.delete(work.id);
    if (!this.#hasRoom()) return;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    if (!this.#hasOverflowed) return;
    this.#hasOverflowed = false;
    this.#options.onRoom();
  }

  #hasRoom(): boolean {
    return this.#works.size <= this.#options.maxWaiting / 2;
  }

  #remember(id: ConversationId, cursor: Cursor): void {
    this.#cursors.delete(id);
    this.#cursors.set(id, cursor);
    const [oldest] = this.#cursors.keys();
    if (this.#cursors.size > this.#options.maxCursors && oldest !== undefined) this.#cursors.delete(oldest);
  }
}
