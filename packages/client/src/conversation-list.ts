/** The user's conversations, the last active one first. Holds those that the server has told of: the newest, those that became active, and what was asked for with `loadMore`. */
import { clientLimits, type Conversation, type ReplyOf } from "@suda/protocol";
import type { Request } from "./connection/connection.ts";
import { SnapshotStore, type Observable } from "./snapshot-store.ts";

export interface ConversationListSnapshot {
  readonly conversations: readonly Conversation[];
  /** Whether the server has more than these. */
  readonly hasMore: boolean;
  /** Of these together. */
  readonly unread: number;
}

export interface ConversationList extends Observable<ConversationListSnapshot> {
  /** Reads the next page; false when there is none. @throws ConnectionLost, RequestRefused */
  loadMore(): Promise<boolean>;
}

export interface ConversationListOptions {
  readonly request: Request;
  readonly records: () => Iterable<Conversation | undefined>;
  /** Takes what a page brings. True when any of it was not known as it is. */
  readonly adopt: (conversations: readonly Conversation[]) => boolean;
  readonly onProblem: (problem: unknown) => void;
}

export class ConversationListStore implements ConversationList {
  readonly subscribe: ConversationList["subscribe"];
  readonly getSnapshot: ConversationList["getSnapshot"];
  readonly #options: ConversationListOptions;
  readonly #store: SnapshotStore<ConversationListSnapshot>;
  #next: string | undefined;
  #isStarted = false;
  #loading: Promise<boolean> | undefined;

  constructor(options: ConversationListOptions) {
    this.#options = options;
    this.#store = new SnapshotStore(() => this.#build(), options.onProblem);
    this.subscribe = this.#store.subscribe;
    this.getSnapshot = this.#store.getSnapshot;
  }

  changed(): void {
    this.#store.changed();
  }

  /** The first page came with hello. */
  start({ next }: ReplyOf<"hello">): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#next = next;
    this.#store.changed();
  }

  loadMore(): Promise<boolean> {
    this.#loading ??= this.#loadMore().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /**
   * After a time away: reads on from a page in which everything had moved, until one brings nothing new. The
   * list is in order of activity, so that is all of it.
   */
  async catchUp(cursor: string | undefined): Promise<void> {
    for (let next = cursor; next !== undefined; ) {
      let isMoved = false;
      const page = await this.#options.request("conversation.list", { cursor: next, limit: clientLimits.pageMax }, ({ conversations }) => {
        isMoved = this.#options.adopt(conversations);
      });
      if (!isMoved) return;
      next = page.next;
    }
  }

  async #loadMore(): Promise<boolean> {
    if (this.#next === undefined) return false;
    const page = await this.#options.request("conversation.list", { cursor: this.#next }, ({ conversations }) => this.#options.adopt(conversations));
    this.#next = page.next;
    this.#store.changed();
    return page.conversations.length > 0;
  }

  #build(): ConversationListSnapshot {
    const conversations: Conversation[] = [];
    let unread = 0;
    for (const record of this.#options.records()) {
      if (record === undefined) continue;
      conversations.push(record);
      unread += record.unread ?? 0;
    }
    conversations.sort((a, b) => b.lastAt - a.lastAt || (a.id < b.id ? -1 : 1));
    return { conversations, hasMore: this.#next !== undefined, unread };
  }
}
