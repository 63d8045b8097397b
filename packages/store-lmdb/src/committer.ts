/**
 * Group commit. Everything that wants to write puts its records into the next batch; one batch at a time is
 * under way, and what arrives meanwhile shares the one after it, so that the cost of an fsync is divided by
 * however many came (S5). A batch is one LMDB transaction: all of it or none (S4).
 *
 * Between the call and the commit the planned records live here only. {@link Committer.planned} shows them to
 * the planning of further writes; reads for users look into LMDB and see what is durable.
 *
 * A failed commit ends in `failed` (fail-stop, S18), unless the disk is full: then `read-only` until a probe
 * finds room again (S19). Either way every batch is rejected and all planned records are forgotten.
 */
import { statfsSync } from "node:fs";
import { SudaError, type Clock, type Timer } from "@suda/protocol";
import type { StoreStats, StoreStatus } from "@suda/server/store";
import { probeKey } from "./keys.ts";
import type { Database } from "./database.ts";
import { giveBackAfterDead, readMoveMark } from "./move-mark.ts";
import type { Owner } from "./owner.ts";
import { encodeRecord } from "./records.ts";

/** A commit, for metrics. */
export interface CommitEvent {
  readonly event: "commit";
  /** How many calls shared it. */
  readonly calls: number;
  readonly records: number;
  readonly durationMs: number;
}

export interface StateEvent {
  readonly event: "state";
  readonly status: StoreStatus;
  readonly cause?: unknown;
}

export interface CommitterOptions {
  readonly database: Database;
  readonly directory: string;
  readonly clock: Clock;
  readonly onEvent: (event: CommitEvent | StateEvent) => void;
  /** Commits fail once this key exists; see owner.ts. */
  readonly fenceKey: string;
  /** Calls waiting for a commit; one more is refused with `server.busy`. */
  readonly maxPendingCalls: number;
  /** Bytes of entries waiting for a commit; likewise. */
  readonly maxPendingBytes: number;
  readonly probeIntervalMs: number;
  /** Whether who moves the store is alive. */
  readonly judgeMover: (mover: Owner) => boolean;
}

export const notPlanned: unique symbol = Symbol("not planned");

/** Ready bytes, or a record to be encoded at commit (the last one of a batch wins), or `undefined` to remove. */
export type PlannedValue = Buffer | object | undefined;

interface Batch {
  readonly writes: Map<string, PlannedValue>;
  calls: number;
  bytes: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: SudaError) => void;
}

/** Below this the disk counts as full: a commit of a page or two may still fit into pages that are free inside the file. */
const roomMinBytes = 1_048_576;
const probeBytes = 262_144;
/** ENOSPC, EDQUOT, EFBIG, MDB_MAP_FULL. */
const fullCodes: ReadonlySet<unknown> = new Set([28, 122, 27, -30_792]);
/** EIO: what LMDB also says when a write came out short. */
const inputOutputError = 5;

export class Committer {
  #status: StoreStatus = { state: "ready" };
  #next = newBatch();
  #underWay: Batch | undefined;
  #isScheduled = false;
  #probe: Timer | undefined;
  #isMoving = false;
  /** Counts failures, so that what was cached before one is known to be void. */
  generation = 0;
  #commits = 0;
  #calls = 0;
  #commitMs = 0;
  readonly #options: CommitterOptions;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  get status(): StoreStatus {
    return this.#status;
  }

  /** One process writes here, so there are no conflicts, and a commit that has no outcome ends in `failed`. */
  get stats(): StoreStats {
    return { commits: this.#commits, calls: this.#calls, commitMs: this.#commitMs, conflicts: 0, unknown: 0 };
  }

  /** @throws SudaError `store.read_only`, `store.failed`, `server.busy` */
  checkWritable(): void {
    const { maxPendingCalls, maxPendingBytes } = this.#options;
    if (this.#status.state === "read-only" && this.#isMoving) throw movingRefusal();
    if (this.#status.state !== "ready") throw refusal(this.#status);
    const calls = this.#next.calls + (this.#underWay?.calls ?? 0);
    const bytes = this.#next.bytes + (this.#underWay?.bytes ?? 0);
    if (calls >= maxPendingCalls || bytes >= maxPendingBytes) throw new SudaError("server.busy", undefined, { retryAfterMs: 100 });
  }

  /** What is planned for a key; {@link notPlanned} when only LMDB knows. */
  planned(key: string): PlannedValue | typeof notPlanned {
    if (this.#next.writes.has(key)) return this.#next.writes.get(key);
    if (this.#underWay?.writes.has(key) === true) return this.#underWay.writes.get(key);
    return notPlanned;
  }

  /** What is planned for keys in `[start, end)`; looks through everything that is under way, so for rare writes only. */
  plannedBetween(start: string, end: string): Map<string, PlannedValue> {
    const found = new Map<string, PlannedValue>();
    for (const batch of [this.#underWay, this.#next]) for (const [key, value] of batch?.writes ?? []) if (key >= start && key < end) found.set(key, value);
    return found;
  }

  /** Resolves when what is planned for this key is durable; at once when nothing is. */
  settled(key: string): Promise<void> {
    if (this.#next.writes.has(key)) return this.#next.done;
    if (this.#underWay?.writes.has(key) === true) return this.#underWay.done;
    return Promise.resolve();
  }

  put(key: string, value: Buffer | object): void {
    this.#next.writes.set(key, value);
    if (value instanceof Buffer) this.#next.bytes += value.length;
  }

  remove(key: string): void {
    this.#next.writes.set(key, undefined);
  }

  /** Ends one call's puts: they share a commit. Resolves when they are durable, rejects with `store.failed` or `store.read_only`. */
  commit(): Promise<void> {
    this.#next.calls++;
    this.#schedule();
    return this.#next.done;
  }

  /** Refuses further writes, commits what is pending, and ends. */
  async close(lastWrites: () => void): Promise<void> {
    const last = this.#next;
    const isReady = this.#status.state === "ready";
    this.#setStatus({ state: "closed" });
    this.#probe?.cancel();
    if (!isReady) return;
    lastWrites();
    last.calls++;
    this.#schedule();
    // A commit that fails now has rejected its callers; there is nobody else to tell.
    await last.done.catch(ignore);
  }

  /** Fail-stop from outside: the owner was taken over, or a read found LMDB unusable. */
  fail(reason: string, cause?: unknown): void {
    if (this.#status.state === "closed") return;
    this.#setStatus({ state: "failed", reason }, cause);
    this.#discard(refusal(this.#status));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#underWay !== undefined) return;
    this.#isScheduled = true;
    // After the turn's I/O callbacks, so that whatever they bring shares the commit.
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#next.calls > 0) void this.#flush();
    });
  }

  /** Never rejects: every outcome goes to the batch. */
  async #flush(): Promise<void> {
    const batch = this.#next;
    this.#underWay = batch;
    this.#next = newBatch();
    const startedMs = this.#options.clock.monotonicMs();
    const failure = await this.#write(batch);
    if (this.#underWay !== batch) return;
    if (failure !== undefined) {
      this.#onFailure(failure, batch);
      return;
    }
    this.#underWay = undefined;
    const durationMs = this.#options.clock.monotonicMs() - startedMs;
    this.#commits++;
    this.#calls += batch.calls;
    this.#commitMs += durationMs;
    this.#options.onEvent({ event: "commit", calls: batch.calls, records: batch.writes.size, durationMs });
    batch.resolve();
    if (this.#next.calls > 0) this.#schedule();
  }

  async #write(batch: Batch): Promise<CommitFailure | undefined> {
    const { database, fenceKey } = this.#options;
    const writes: [string, Buffer | undefined][] = [];
    try {
      // All encoding before the first put: what throws inside the block would leave half of it in the transaction.
      for (const [key, value] of batch.writes) writes.push([key, value === undefined || value instanceof Buffer ? value : encodeRecord(key, value)]);
      const isOwner = await database.ifNoExists(fenceKey, () => {
        for (const [key, bytes] of writes) {
          if (bytes === undefined) void database.remove(key);
          else void database.put(key, bytes);
        }
      });
      if (isOwner) return undefined;
      const isMoving = readMoveMark(database) !== undefined;
      return { reason: isMoving ? "the store is being moved" : "another process has taken this store over", cause: undefined, isMoving };
    } catch (error) {
      return { reason: "a commit failed", cause: await causeOf(error), isMoving: false };
    }
  }

  #onFailure({ reason, cause, isMoving }: CommitFailure, batch: Batch): void {
    if (isMoving && this.#status.state !== "closed") return this.#onMoving(reason);
    const code = errorCode(cause);
    const isFull = fullCodes.has(code) || (code === inputOutputError && this.#roomBytes() < roomMinBytes);
    const isClosing = this.#status.state === "closed";
    if (isClosing) {
      this.#discard(new SudaError(isFull ? "store.read_only" : "store.failed", undefined, { cause }));
    } else if (isFull) {
      this.#setStatus({ state: "read-only", reason: `no room on the disk (${messageOf(cause)})` }, cause);
      this.#discard(new SudaError("store.read_only", undefined, { cause }));
      this.#scheduleProbe();
    } else {
      this.#setStatus(
        { state: "failed", reason: `${reason}${cause === undefined ? "" : ` (${messageOf(cause)})`}; ${batch.calls} writes were not acknowledged` },
        cause,
      );
      this.#discard(new SudaError("store.failed", undefined, { cause }));
    }
  }

  /** Somebody moves the store elsewhere (S57): no write any more, until it is given back, or for good. */
  #onMoving(reason: string): void {
    this.#isMoving = true;
    this.#setStatus({ state: "read-only", reason });
    this.#discard(movingRefusal());
    this.#scheduleProbe();
  }

  #probeMove(): void {
    const mark = readMoveMark(this.#options.database);
    if (mark?.state === "moved") return this.fail(`the store was moved to ${mark.to}; start with the new one`);
    if (mark !== undefined && !giveBackAfterDead(this.#options.database, mark, this.#options.judgeMover)) return this.#scheduleProbe();
    this.#isMoving = false;
    this.#setStatus({ state: "ready" });
  }

  /** Forgets what is planned. Nobody has seen it: what is not durable is not shown. */
  #discard(error: SudaError): void {
    const batches = [this.#underWay, this.#next];
    this.#underWay = undefined;
    this.#next = newBatch();
    this.generation++;
    for (const batch of batches) batch?.reject(error);
  }

  #scheduleProbe(): void {
    this.#probe = this.#options.clock.schedule(this.#options.probeIntervalMs, () => {
      try {
        this.#probeRoom();
      } catch (error) {
        const code = errorCode(error);
        if (fullCodes.has(code) || code === inputOutputError) this.#scheduleProbe();
        else this.fail(`the probe for room on the disk failed (${messageOf(error)})`, error);
      }
    });
  }

  #probeRoom(): void {
    if (this.#status.state !== "read-only") return;
    if (this.#isMoving) return this.#probeMove();
    if (this.#roomBytes() < roomMinBytes) return this.#scheduleProbe();
    const { database } = this.#options;
    // Synchronous: after some failures LMDB cannot begin a transaction, and lmdb-js's queue would then never answer.
    database.transactionSync(() => void database.put(probeKey, Buffer.alloc(probeBytes)));
    database.transactionSync(() => void database.remove(probeKey));
    this.#setStatus({ state: "ready" });
  }

  /** Bytes that the file system would give us. */
  #roomBytes(): number {
    const { bavail, bsize } = statfsSync(this.#options.directory);
    return bavail * bsize;
  }

  #setStatus(status: StoreStatus, cause?: unknown): void {
    this.#status = status;
    this.#options.onEvent({ event: "state", status, ...(cause !== undefined && { cause }) });
  }
}

interface CommitFailure {
  readonly reason: string;
  readonly cause: unknown;
  readonly isMoving: boolean;
}

function movingRefusal(): SudaError {
  return new SudaError("store.read_only", "The store is being moved to another one; reading works, and writing again in a moment.", { retryAfterMs: 2_000 });
}

/** The refusal that belongs to a state that is not `ready`. */
export function refusal(status: StoreStatus): SudaError {
  switch (status.state) {
    case "read-only":
      return new SudaError("store.read_only");
    case "closed":
      return new SudaError("store.failed", "The store is closed.");
    case "failed":
    case "unreachable":
    case "ready":
      return new SudaError("store.failed");
  }
}

function newBatch(): Batch {
  let resolve!: () => void;
  let reject!: (error: SudaError) => void;
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  // A batch whose callers have all gone (a beat, a closing) may fail without anybody waiting; the state tells of it.
  promise.catch(ignore);
  return { writes: new Map(), calls: 0, bytes: 0, done: promise, resolve, reject };
}

function ignore(): void {}

/** lmdb-js hides the reason of a failed commit in a second promise, which rejects unhandled unless somebody takes it here. */
async function causeOf(error: unknown): Promise<unknown> {
  const commitError = (error as { commitError?: Promise<unknown> }).commitError;
  if (commitError === undefined) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}

function errorCode(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
