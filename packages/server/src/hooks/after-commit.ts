/**
 * Tells the host product of every event of every conversation, at least once and in order per conversation: its search index, its
 * statistics, its push notifications. By a function of the host's own, or by a signed webhook. What it has been told is a
 * cursor per conversation, a document; after a crash the heads are compared with the cursors.
 *
 * It begins with what is written from its first start on: what was there before is not told. Rules W14, W15.
 */
import { stringifyFrame, type ConversationId, type LogEvent, type Timer } from "@suda/protocol";
import type { Channel, LayerEvent } from "../channel-layer/channel-layer.ts";
import type { ChatContext } from "../chat/context.ts";
import { commitsGroup, type LogMoved } from "../chat/fan-out.ts";
import { firstAfter } from "../chat/retention.ts";
import { viewEvent } from "../chat/view.ts";
import type { Replay } from "../chat/bot-webhooks.ts";
import type { DeadLetters } from "../followers/dead-letters.ts";
import { holdLease, leaveLease, type LeaseOptions } from "../followers/lease.ts";
import { LogFollower, type Step } from "../followers/log-follower.ts";
import { Pace } from "../followers/pace.ts";
import { Retries, type Failed } from "../followers/retries.ts";
import { postSigned, webhookIdOf } from "../followers/signed-request.ts";
import type { OutgoingHttp } from "../outgoing/outgoing-http.ts";
import type { LogEntry } from "../store/store.ts";
import type { HookUrl } from "./before-send.ts";

/** A function of the host's. It is called again when it throws, rejects, or the process ends before it has resolved. */
export type AfterCommit = (event: LogEvent, signal: AbortSignal) => void | Promise<void>;

export interface AfterCommitOptions {
  readonly hook: AfterCommit | HookUrl;
  /** Of one call; 1–60,000, default 10,000. */
  readonly timeoutMs?: number;
}

export interface AfterCommitEnvironment {
  readonly context: ChatContext;
  readonly outgoing: OutgoingHttp;
  readonly deadLetters: DeadLetters;
  readonly onFailure: (error: unknown) => void;
  readonly count: (outcome: "told" | "failed" | "dead") => void;
  /** 0: no other process is on the store. */
  readonly leaseMs: number;
}

/** No user can have this id: owner of the dead letters, and part of the keys. */
export const afterCommitOwner = "~after-commit";
const leaseKey = `l/${afterCommitOwner}`;
const sinceKey = "~since";
const maxAtOnce = 16;
const retryMs = 5_000;
const busyWaitMs = 250;
const scanPage = 100;

export class AfterCommitHook implements AsyncDisposable {
  readonly #options: AfterCommitOptions;
  readonly #environment: AfterCommitEnvironment;
  readonly #lease: LeaseOptions;
  readonly #pace: Pace;
  readonly #follower: LogFollower;
  readonly #channel: Channel;
  readonly #abort = new AbortController();
  readonly #timers = new Set<Timer>();
  #retries: Retries | undefined;
  #since = Number.POSITIVE_INFINITY;
  #isHeld = false;
  #isStopped = false;
  #work: Promise<void>;

  constructor(options: AfterCommitOptions, environment: AfterCommitEnvironment) {
    const { context, leaseMs, onFailure } = environment;
    this.#options = options;
    this.#environment = environment;
    const holder = Buffer.from(context.random.bytes(16)).toString("base64url");
    this.#lease = { documents: context.store.documents, clock: context.clock, holder, leaseMs };
    this.#pace = new Pace({ clock: context.clock, random: context.random, maxAtOnce });
    this.#follower = new LogFollower({
      store: context.store,
      clock: context.clock,
      cursor: (id) => this.#cursor(id),
      advance: async (id, seq) => void (await context.store.documents.put("hook-cursors", id, { seq })),
      perform: (id, entry) => this.#perform(id, entry),
      atOnce: () => (this.#isHeld ? this.#pace.atOnce : 0),
      onFailure,
      retryMs,
    });
    this.#channel = context.layer.open((event) => this.#onLayerEvent(event));
    this.#work = this.#start();
  }

  /** Conversations with something to be told, as far as is known. */
  get pending(): number {
    return this.#follower.pending;
  }

  /** One attempt, now, out of order, because somebody asks for it. By any process: who holds the lease goes on with what follows. */
  async tellAgain(id: ConversationId, seq: number): Promise<Replay> {
    const { context, count } = this.#environment;
    const [entry] = await context.store.log.readAfter(id, seq - 1, 1);
    if (entry?.seq !== seq) return { outcome: "gone" };
    const failed = await this.#tell(id, entry);
    if (failed === "later") return { outcome: "failed", code: "server.busy", message: "This server has too much under way, or is being stopped; try again." };
    count(failed === undefined ? "told" : "failed");
    return failed === undefined ? { outcome: "delivered" } : { outcome: "failed", code: failed.code, message: failed.message };
  }

  /** Gives up what is under way: it is told again after a restart. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#abort.abort();
    await this.#channel.close();
    await this.#work;
    await this.#follower[Symbol.asyncDispose]();
    if (this.#isHeld) await leaveLease(this.#lease, leaseKey).catch(this.#environment.onFailure);
  }

  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    const known = event as LogMoved | { readonly type: "layer.dropped" };
    if (known.type === "log.moved" && this.#isHeld) this.#follower.wake(known.conversation);
    else if (known.type === "layer.dropped" && this.#isHeld) return this.#scan();
  }

  async #start(): Promise<void> {
    const { context, onFailure, leaseMs } = this.#environment;
    try {
      await context.layer.groupAdd(commitsGroup, this.#channel);
      await this.#hold();
    } catch (error) {
      if (this.#isStopped) return;
      onFailure(error);
      this.#after(retryMs);
      return;
    }
    if (leaseMs > 0) this.#after(leaseMs / 3);
  }

  /** Takes the lease or keeps it; who gets it looks at all logs, since nobody may have told of what another process did last. */
  async #hold(): Promise<void> {
    const isHeld = await holdLease(this.#lease, leaseKey);
    const isNew = isHeld && !this.#isHeld;
    this.#isHeld = isHeld;
    if (!isNew) return;
    const { documents } = this.#environment.context.store;
    const { clock, random } = this.#environment.context;
    this.#since = await this.#readSince();
    this.#retries = await Retries.open({ documents, prefix: `f/${afterCommitOwner}/`, clock, random });
    for (const [id, { nextTryAt }] of this.#retries.troubles) this.#follower.hold(id, Math.max(0, nextTryAt - clock.now()));
    await this.#scan();
  }

  #after(ms: number): void {
    if (this.#isStopped) return;
    const timer = this.#environment.context.clock.schedule(ms, () => {
      this.#timers.delete(timer);
      this.#work = this.#work.then(() => this.#start());
    });
    this.#timers.add(timer);
  }

  /** When it was started for the first time. */
  async #readSince(): Promise<number> {
    const { store, clock } = this.#environment.context;
    await store.documents.put("hook-cursors", sinceKey, { at: clock.now() }, { ifVersion: 0 });
    return Number((await store.documents.get("hook-cursors", sinceKey))?.value["at"]);
  }

  /** Compares heads with cursors, page by page, with room for others' work between them. */
  async #scan(): Promise<void> {
    const { store, clock } = this.#environment.context;
    let after: ConversationId | undefined;
    while (!this.#isStopped) {
      const ids = await store.conversations.list(after, scanPage);
      for (const { id, head } of await store.conversations.getMany(ids)) {
        // Most have been silent since it was started, and need no second read.
        if (head.at >= this.#since && ((await this.#cursor(id)) ?? 0) < head.seq) this.#follower.wake(id);
      }
      after = ids.at(-1);
      if (ids.length < scanPage) return;
      await new Promise<void>((resolve) => clock.schedule(0, resolve));
    }
  }

  async #cursor(id: ConversationId): Promise<number | undefined> {
    const { context } = this.#environment;
    const document = await context.store.documents.get("hook-cursors", id);
    if (document !== undefined) return Number(document.value["seq"]);
    const record = await context.store.conversations.get(id);
    if (record === undefined) return undefined;
    return record.createdAt >= this.#since ? 0 : (await firstAfter(context, record, this.#since - 1)) - 1;
  }

  async #perform(id: ConversationId, entry: LogEntry): Promise<Step> {
    const { count, deadLetters, context } = this.#environment;
    const retries = this.#retries;
    if (retries === undefined || !this.#isHeld) return { waitMs: retryMs };
    const failed = await this.#tell(id, entry);
    if (failed === "later") return { waitMs: busyWaitMs };
    if (failed === undefined) {
      count("told");
      if (this.#pace.succeeded()) this.#follower.releaseAll();
      await retries.succeeded(id);
      return "done";
    }
    count("failed");
    const pauseMs = this.#pace.failed(id, failed.isOfAll === true ? failed.retryAfterMs : 0);
    if (pauseMs > 0) this.#proceedIn(pauseMs);
    const next = await retries.failed(id, entry, failed);
    if ("waitMs" in next) return next;
    count("dead");
    await deadLetters.add(afterCommitOwner, next.givenUp, context.clock.now());
    return "done";
  }

  #proceedIn(ms: number): void {
    const timer = this.#environment.context.clock.schedule(ms, () => {
      this.#timers.delete(timer);
      this.#follower.proceed();
    });
    this.#timers.add(timer);
  }

  async #tell(id: ConversationId, entry: LogEntry): Promise<Failed | "later" | undefined> {
    const { hook, timeoutMs = 10_000 } = this.#options;
    const { context, outgoing, onFailure } = this.#environment;
    const event = viewEvent(id, entry);
    if (typeof hook === "object") {
      const body = stringifyFrame({ type: "after-commit", conversation: id, event });
      const outcome = await postSigned(outgoing, context.clock, {
        ...hook,
        id: webhookIdOf(id, entry.seq),
        body,
        timeoutMs,
        maxResponseBytes: 65_536,
        signal: this.#abort.signal,
      });
      if (outcome.outcome === "failed") return outcome;
      if (outcome.outcome === "later") return "later";
      return outcome.outcome === "gone" ? { code: "outgoing.status", message: "The status is 410." } : undefined;
    }
    if (this.#abort.signal.aborted) return "later";
    const call = new AbortController();
    let giveUp = (_why: string): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      giveUp = (why) => {
        call.abort();
        reject(new Error(why));
      };
    });
    const timer = context.clock.schedule(timeoutMs, () => giveUp(`The hook took longer than ${timeoutMs} ms.`));
    const close = (): void => giveUp("The server is closing.");
    this.#abort.signal.addEventListener("abort", close, { once: true });
    try {
      await Promise.race([Promise.resolve().then(() => hook(event, call.signal)), late]);
      return undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) return "later";
      onFailure(new Error("The hook after a commit failed.", { cause: error }));
      return { code: "hook.failed", message: error instanceof Error ? error.message : "The hook failed." };
    } finally {
      timer.cancel();
      this.#abort.signal.removeEventListener("abort", close);
    }
  }
}
