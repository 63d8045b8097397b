/**
 * Writes of one conversation by this process (⑥ of the path of a message): group commit over a compare-and-set.
 *
 * What is called while a write is under way waits, and goes together in the next: planned one after the other in the order of
 * calls (S9), decided by one lightweight transaction on the conversation's version, which stores the new head and the
 * journal of everything else (journal.ts). If another process was first, everything is planned anew on what it left.
 *
 * What was decided is durable and can be read at once, since readers lay the journal over the tables; so the answers are
 * given then, and the rows are put in place while the next group gathers. Only what reaches into users' lists is put in place
 * before.
 */
import { SudaError, type ConversationId } from "@suda/protocol";
import { inParallel, type ConversationRecord } from "@suda/server/store";
import { unknownOutcome, type CasOutcome, type Cluster } from "./cluster.ts";
import { readState, readVersion, type ConversationState } from "./conversation-state.ts";
import { encodeJournal, isFarReaching, type Journal } from "./journal.ts";
import { Plans, Stage } from "./planning.ts";
import { baseOf, encodeRecord, tailOf } from "./records.ts";
import type { Settler } from "./settler.ts";
import { readRow } from "./tables.ts";
import { TurnTaking } from "./turn-taking.ts";
import { tell, type Call, type WaitingCall } from "./write-call.ts";

/** Of one group. */
const groupMaxCalls = 256;
const groupMaxBytes = 1_048_576;
/** Rows that are loaded at once. */
const parallelReads = 64;
/** Rows kept from one group to the next: members, above all. */
const keptRowsMax = 4_096;
/** Ids of writes that a head remembers: who got no answer finds its own among so many later ones. */
const rememberedWrites = 32;
/** Somebody else was first: their write takes some milliseconds, and longer waiting would leave them alone with the conversation. */
const contentionDelayMs = 100;
/** A larger journal is taken away once it is in place, because everybody who reads the conversation reads it. */
const largeJournalBytes = 65_536;

export type Creation = { readonly record: ConversationRecord; readonly journal: Journal };

export interface WriterEnvironment {
  readonly cluster: Cluster;
  readonly settler: Settler;
  readonly makeWriteId: () => string;
  readonly onWrite: (event: WriteEvent) => void;
}

/** A decided write, for metrics. */
export interface WriteEvent {
  readonly event: "write";
  /** How many calls shared it. */
  readonly calls: number;
  /** How often another process was first. */
  readonly conflicts: number;
  /** How often Cassandra did not say what became of it. */
  readonly unknown: number;
  readonly durationMs: number;
}

export class ConversationWriter {
  readonly #id: ConversationId;
  readonly #environment: WriterEnvironment;
  #waiting: (WaitingCall | (() => Promise<void>))[] = [];
  #running: Promise<void> | undefined;
  /** As it was after the last write or read of this process; another process may have written since. */
  #state: ConversationState | undefined;
  #loaded = new Map<string, Buffer | undefined>();
  readonly #turns = new TurnTaking();
  /** The journal of the last group on its way into the tables. */
  #settling: Promise<void> = Promise.resolve();

  constructor(id: ConversationId, environment: WriterEnvironment) {
    this.#id = id;
    this.#environment = environment;
  }

  /** Nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Resolves when nothing waits and nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** In the order of calls. */
  async run<T>(call: Call<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ call, resolve: resolve as (value: unknown) => void, reject });
      this.#start();
    });
  }

  /** In the order of calls. `existing` when there is one already. */
  async create(make: () => Promise<Creation | ConversationId>): Promise<ConversationRecord | { readonly existing: ConversationRecord } | ConversationId> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(async () => this.#create(make).then(resolve, reject));
      this.#start();
    });
  }

  #start(): void {
    this.#running ??= this.#work();
  }

  /** Never rejects: each call is told for itself. */
  async #work(): Promise<void> {
    // The calls of this turn go together.
    await Promise.resolve();
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      if (typeof first === "function") {
        this.#waiting.shift();
        await first();
        continue;
      }
      const end = this.#waiting.findIndex((one) => typeof one === "function");
      const group = this.#waiting.splice(0, Math.min(end < 0 ? Infinity : end, groupMaxCalls)) as WaitingCall[];
      try {
        await this.#standBack(await this.#write(group));
      } catch (error) {
        this.#forget();
        for (const { reject } of group) reject(error);
        this.#refuseWaiting();
      }
    }
    // Told of by the next group or by nobody: readers and later writers put in place what is left.
    await this.#settling.catch(() => this.#forget());
    this.#running = undefined;
    if (this.#waiting.length > 0) this.#start();
  }

  /** For others who write to the conversation. */
  async #standBack(delayMs: number): Promise<void> {
    if (delayMs === 0) return;
    await this.#environment.cluster.wait(delayMs);
    // Somebody has written meanwhile.
    this.#forget();
  }

  /** What was called while a group was under way that failed must not overtake it (S9, D4): all are tried again, in their order. */
  #refuseWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => typeof one === "function");
    const refusal = new SudaError("server.busy", "What was to be written before could not be; try again.", { retryAfterMs: 1_000 });
    for (const one of waiting) if (typeof one !== "function") one.reject(refusal);
  }

  /** @returns for how long to stand back before the next, ms */
  async #write(group: WaitingCall[]): Promise<number> {
    const { cluster } = this.#environment;
    const deadline = cluster.deadline;
    const begun = cluster.monotonicMs;
    this.#unknown = 0;
    for (let tries = 0, isSerial = false, conflicts = 0; ; tries++) {
      if (tries > 0) await cluster.pause(tries - 1, contentionDelayMs);
      await this.#settling.catch(() => this.#forget());
      this.#settling = Promise.resolve();
      const beganAtMs = cluster.monotonicMs;
      for (const key of this.#loaded.keys()) if (!isKept(key)) this.#loaded.delete(key);
      if (this.#loaded.size > keptRowsMax) this.#loaded.clear();
      const state = (this.#state ??= await this.#load(isSerial));
      if (state === undefined) {
        for (const { call, resolve, reject } of group) tell(call.absent, resolve, reject);
        return 0;
      }
      this.#turns.found(state.version);
      const { plans, answers, taken } = await this.#plan(state, group);
      if (!plans.hasChanged(state.record)) {
        // An answer of what is already so must not lean on a state that another process has left behind, nor on half of it (S5).
        if ((await readVersion(cluster, this.#id)) === state.version) {
          for (const answer of answers) answer();
          this.#postpone(group, taken);
          return 0;
        }
        this.#forget();
        continue;
      }
      const after = await this.#decide(state, plans);
      if (after === "refused") {
        conflicts++;
        this.#turns.lost();
        this.#forget();
        isSerial = true;
        if (cluster.isOver(deadline))
          throw new SudaError("server.busy", "Others write to this conversation without a pause; try again.", { retryAfterMs: 1_000 });
        continue;
      }
      const standBackMs = this.#turns.won(after.version, { beganAtMs, endedAtMs: cluster.monotonicMs });
      this.#environment.onWrite({ event: "write", calls: taken, conflicts, unknown: this.#unknown, durationMs: cluster.monotonicMs - begun });
      await this.#follow(after, plans);
      for (const answer of answers) answer();
      this.#postpone(group, taken);
      return standBackMs;
    }
  }

  /** Those of the group that did not fit go first in the next. */
  #postpone(group: readonly WaitingCall[], taken: number): void {
    this.#waiting.unshift(...group.slice(taken));
  }

  /** Plans the calls one after the other, until they are enough for one write. */
  async #plan(state: ConversationState, group: readonly WaitingCall[]): Promise<{ plans: Plans; answers: (() => void)[]; taken: number }> {
    const plans = new Plans(state.record);
    const answers: (() => void)[] = [];
    await this.#loadRows(group.flatMap(({ call }) => call.rows(state.record)));
    let taken = 0;
    for (const { call, resolve, reject } of group) {
      if (taken > 0 && plans.bytes > groupMaxBytes) break;
      for (;;) {
        const stage = new Stage(this.#id, { plans, loaded: this.#loaded, durable: state.record });
        let answer: () => void;
        try {
          const value = call.plan(stage);
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        if (stage.missing.size > 0) {
          await this.#loadRows([...stage.missing]);
          continue;
        }
        stage.commit();
        answers.push(answer);
        break;
      }
      taken++;
    }
    return { plans, answers, taken };
  }

  async #decide(state: ConversationState, plans: Plans): Promise<ConversationState | "refused"> {
    const { cluster, makeWriteId } = this.#environment;
    const id = this.#id;
    const writeId = makeWriteId();
    const version = state.version + 1;
    const { record, journal } = plans;
    const writes = [...state.writes, writeId].slice(-rememberedWrites);
    const journalBytes = encodeJournal(id, journal);
    const tail = encodeRecord(`${id}\0tail`, tailOf(record, writes));
    const base = encodeRecord(`${id}\0base`, baseOf(record));
    const isSameBase = base.equals(encodeRecord(`${id}\0base`, baseOf(state.record)));
    const done = await cluster.compareAndSet([
      isSameBase
        ? { cql: casTail, values: [version, tail, journalBytes, id, state.version] }
        : { cql: casAll, values: [version, base, tail, journalBytes, id, state.version] },
    ]);
    const outcome = done.outcome === "unknown" ? await this.#resolve(done, writeId, state.version) : done.outcome;
    if (outcome !== "applied") return outcome;
    return { version, record, journal, journalBytes: journalBytes.length, writes };
  }

  /** What became of a compare-and-set that was not answered: reading with serial consistency finishes or buries it. */
  async #resolve({ cause }: Extract<CasOutcome, { outcome: "unknown" }>, writeId: string, version: number): Promise<"applied" | "refused"> {
    this.#unknown++;
    let state: ConversationState | undefined;
    try {
      state = await readState(this.#environment.cluster, this.#id, { isSerial: true });
    } catch (error) {
      throw unknownOutcome(error instanceof SudaError ? cause : error);
    }
    if (state === undefined || state.version === version) return "refused";
    const index = state.writes.indexOf(writeId);
    // Others may have written since; then their journals replaced ours only after it was in place.
    if (index >= 0) {
      if (state.version !== version + 1) this.#isOvertaken = true;
      return "applied";
    }
    if (state.version - version < rememberedWrites) return "refused";
    throw unknownOutcome(cause);
  }

  #isOvertaken = false;
  /** Unanswered tries of the write that is under way. */
  #unknown = 0;

  /** After the decision: keeps what is known of the conversation now, and puts the journal in place. */
  async #follow(after: ConversationState, plans: Plans): Promise<void> {
    const { settler } = this.#environment;
    for (const [key, bytes] of plans.rows) if (isKept(key)) this.#loaded.set(key, bytes ?? undefined);
    this.#state = after;
    const settling = settler.settle(this.#id, after);
    // Its failure is met by the next group, or at the end of the work.
    settling.catch(() => {});
    this.#settling = settling;
    if (isGlobal(after.journal)) {
      try {
        await settling;
      } catch (error) {
        // It is decided, and whoever reads or writes next puts it in place; only we cannot say that it is.
        throw unknownOutcome(error);
      }
    }
    if (this.#isOvertaken) {
      this.#isOvertaken = false;
      this.#forget();
    } else if (after.journalBytes > largeJournalBytes) {
      this.#waiting.push(async () => this.#clearJournal());
    }
  }

  /** A large journal that is in place is replaced by an empty one. Fails without harm: it is replaced by the next write. */
  async #clearJournal(): Promise<void> {
    const state = this.#state;
    if (state === undefined || state.journalBytes <= largeJournalBytes || this.#waiting.length > 0) return;
    try {
      await this.#settling;
      const after = await this.#decide(state, new Plans(state.record));
      if (typeof after === "string") this.#forget();
      else this.#state = after;
    } catch {
      this.#forget();
    }
  }

  async #create(make: () => Promise<Creation | ConversationId>): Promise<ConversationRecord | { readonly existing: ConversationRecord } | ConversationId> {
    const { cluster, makeWriteId } = this.#environment;
    const id = this.#id;
    const deadline = cluster.deadline;
    for (let tries = 0, isSerial = false; ; tries++) {
      if (tries > 0) await cluster.pause(tries - 1);
      this.#forget();
      const existing = await this.#load(isSerial);
      if (existing !== undefined) {
        this.#state = existing;
        return { existing: existing.record };
      }
      const made = await make();
      if (typeof made === "string") return made;
      const { record, journal } = made;
      const writeId = makeWriteId();
      const journalBytes = encodeJournal(id, journal);
      const values = [id, 1, encodeRecord(`${id}\0base`, baseOf(record)), encodeRecord(`${id}\0tail`, tailOf(record, [writeId])), journalBytes];
      const done = await cluster.compareAndSet([{ cql: casNew, values }]);
      const outcome = done.outcome === "unknown" ? await this.#resolve(done, writeId, 0) : done.outcome;
      if (outcome === "applied") {
        const plans = new Plans(record);
        for (const [key, bytes] of journal.rows) plans.rows.set(key, bytes);
        for (const move of journal.moves) plans.moves.set(move.user, move);
        await this.#follow({ version: 1, record, journal, journalBytes: journalBytes.length, writes: [writeId] }, plans);
        return record;
      }
      if (cluster.isOver(deadline)) throw new SudaError("server.busy", undefined, { retryAfterMs: 1_000 });
      isSerial = true;
    }
  }

  /** Reads the head, and puts in place what its last write may have left. */
  async #load(isSerial: boolean): Promise<ConversationState | undefined> {
    const { cluster, settler } = this.#environment;
    const state = await readState(cluster, this.#id, { isSerial });
    if (state !== undefined) await settler.settle(this.#id, state);
    return state;
  }

  async #loadRows(keys: readonly string[]): Promise<void> {
    const missing = [...new Set(keys)].filter((key) => !this.#loaded.has(key));
    await inParallel(missing, parallelReads, async (key) => {
      this.#loaded.set(key, await readRow(this.#environment.cluster, this.#id, key));
    });
  }

  #forget(): void {
    this.#state = undefined;
    this.#loaded.clear();
  }
}

const casTail = "UPDATE conversations SET version = ?, tail = ?, journal = ? WHERE id = ? IF version = ?";
const casAll = "UPDATE conversations SET version = ?, base = ?, tail = ?, journal = ? WHERE id = ? IF version = ?";
const casNew = "INSERT INTO conversations (id, version, base, tail, journal) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS";

/** Small rows in frequent use. As long as this process alone writes they cannot change without it, and if another does its compare-and-set refuses. */
function isKept(key: string): boolean {
  return key.startsWith("m") || key.startsWith("i");
}

/** Whether a part of it is read by others than the conversation's readers: that must be in place before anybody hears of it. */
function isGlobal(journal: Journal): boolean {
  return journal.moves.length > 0 || isFarReaching(journal);
}
