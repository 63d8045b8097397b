/**
 * A store as a process sees it that may die: writes are durable, and visible, some milliseconds after they were
 * asked for, all that wait together (S5). Some reads take a while too, and may then be old. A crash loses what was not durable; or it was durable already, and only
 * the answer is lost. The disk is a memory store, which outlives the process.
 */
import type { Store, StoreStatus } from "@suda/server/store";
import type { SeededRandom } from "../seeded-random.ts";
import type { VirtualTime } from "./virtual-time.ts";

interface Write {
  readonly run: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
}

export interface CrashableStoreOptions {
  /** Shared by all processes that come after each other. */
  readonly disk: Store;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** Share of reads that take time, 0–1; default 0.1. */
  readonly slowReads?: number;
  /** Of a group commit, 1…; default 6. */
  readonly commitMaxMs?: number;
}

const slowReadMaxMs = 4;

export class CrashableStore implements Store {
  readonly log: Store["log"];
  readonly conversations: Store["conversations"];
  readonly users: Store["users"];
  readonly documents: Store["documents"];
  readonly #options: CrashableStoreOptions;
  #waiting: Write[] = [];
  #isDead = false;

  constructor(options: CrashableStoreOptions) {
    this.#options = options;
    const { log, conversations, users, documents } = options.disk;
    const write = this.#write.bind(this);
    const read = this.#read.bind(this);
    // The disk's methods work before they return, so the order of runs is the order in the log (S9).
    this.log = {
      ...log,
      append: (...args) => write(() => log.append(...args)),
      truncate: (...args) => write(() => log.truncate(...args)),
      readAfter: (...args) => read(() => log.readAfter(...args)),
      readBefore: (...args) => read(() => log.readBefore(...args)),
      reactedBy: (...args) => read(() => log.reactedBy(...args)),
    };
    this.conversations = {
      ...conversations,
      create: (...args) => write(() => conversations.create(...args)),
      advanceRead: (...args) => write(() => conversations.advanceRead(...args)),
      advanceDelivered: (...args) => write(() => conversations.advanceDelivered(...args)),
      updateMember: (...args) => write(() => conversations.updateMember(...args)),
      hideMessage: (...args) => write(() => conversations.hideMessage(...args)),
      get: (...args) => read(() => conversations.get(...args)),
      getMany: (...args) => read(() => conversations.getMany(...args)),
      member: (...args) => read(() => conversations.member(...args)),
      getWithMember: (...args) => read(() => conversations.getWithMember(...args)),
      members: (...args) => read(() => conversations.members(...args)),
      memberships: (...args) => read(() => conversations.memberships(...args)),
      membership: (...args) => read(() => conversations.membership(...args)),
      change: (...args) => read(() => conversations.change(...args)),
      hiddenBy: (...args) => read(() => conversations.hiddenBy(...args)),
      withControl: (...args) => read(() => conversations.withControl(...args)),
      withRetention: (...args) => read(() => conversations.withRetention(...args)),
    };
    this.documents = {
      put: (...args) => write(() => documents.put(...args)),
      delete: (...args) => write(() => documents.delete(...args)),
      get: (...args) => read(() => documents.get(...args)),
      list: (...args) => read(() => documents.list(...args)),
    };
    this.users = { ...users, ensure: (...args) => write(() => users.ensure(...args)), update: (...args) => write(() => users.update(...args)) };
  }

  status(): StoreStatus {
    return { state: this.#isDead ? "closed" : "ready" };
  }

  /** The process dies. What it had begun to write is on the disk or not, as chance will have it; nobody is told. */
  crash(): void {
    if (!this.#isDead && this.#options.random.isTrue(0.5)) for (const { run } of this.#waiting) void run().catch(() => {});
    this.#isDead = true;
    this.#waiting = [];
  }

  /** Commits what waits. The disk stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#isDead = true;
  }

  #write<T>(run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve) => {
      // To a dead process nothing is ever answered.
      if (this.#isDead) return;
      this.#waiting.push({ run, resolve: resolve as (value: unknown) => void });
      if (this.#waiting.length > 1) return;
      this.#options.time.schedule(this.#options.random.integer(1, this.#options.commitMaxMs ?? 6), () => this.#commit());
    });
  }

  /** What a slow read brings is as it was at its beginning or at its end. */
  #read<T>(run: () => Promise<T>): Promise<T> {
    const { random, time, slowReads = 0.1 } = this.#options;
    if (!random.isTrue(slowReads)) return run();
    const early = random.isTrue(0.5) ? run() : undefined;
    return new Promise<T>((resolve) =>
      time.schedule(random.integer(1, slowReadMaxMs), () => {
        if (!this.#isDead) resolve(early ?? run());
      }),
    );
  }

  #commit(): void {
    if (this.#isDead) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { run, resolve } of waiting) resolve(run());
  }
}
