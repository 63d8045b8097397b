/**
 * Finds the conversations in which something happened while the bot was not there: the list by last activity, page by page
 * and only as fast as the work is done. The first scan reads the whole list; a later one ends where everything is older
 * than what the last one has seen.
 */
import { limits, type Conversation, type ReplyOf } from "@suda/protocol";
import type { Ask } from "./session.ts";
import type { Workload } from "./workload.ts";

/** Conversations older than the last scan by this much are not looked at again: a server's clock may have gone back a little. */
const marginMs = 3_600_000;

export interface ListScanOptions {
  readonly ask: Ask;
  readonly workload: Workload;
  readonly closing: AbortSignal;
}

type Page = Pick<ReplyOf<"conversation.list">, "conversations" | "more" | "next">;

export class ListScan {
  readonly #options: ListScanOptions;
  /** A scan whose object is not this one any more has nothing to say. */
  #current: object | undefined;
  /** When the newest conversation of the last whole scan was active. */
  #seenUpTo: number | undefined;

  constructor(options: ListScanOptions) {
    this.#options = options;
  }

  /** From the newest on; one that is under way is given up. @param first hello's page, if there is one */
  async run(first?: Page): Promise<void> {
    const { ask, workload, closing } = this.#options;
    const scan = {};
    this.#current = scan;
    const isOver = (): boolean => this.#current !== scan || closing.aborted;
    let page = first ?? (await ask("conversation.list", { limit: limits.pageMax }, { signal: closing }));
    const newest = page.conversations[0]?.lastAt;
    for (;;) {
      for (const record of page.conversations) {
        if (workload.offerRecord(record)) continue;
        await workload.room();
        if (isOver()) return;
        // It waited, and its mark may have moved: that is asked anew.
        workload.fallBehind(record.id);
      }
      if (!page.more || page.next === undefined || this.#isSeen(page.conversations)) break;
      await workload.room();
      if (isOver()) return;
      page = await ask("conversation.list", { cursor: page.next, limit: limits.pageMax }, { signal: closing });
      if (isOver()) return;
    }
    this.#seenUpTo = newest ?? this.#seenUpTo;
  }

  #isSeen(conversations: readonly Conversation[]): boolean {
    const oldest = conversations.at(-1)?.lastAt;
    return oldest !== undefined && this.#seenUpTo !== undefined && oldest < this.#seenUpTo - marginMs;
  }
}
