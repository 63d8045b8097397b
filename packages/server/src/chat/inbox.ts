/**
 * What waits for a human, and what humans are in charge of: for the agents' desk of the product, which asks with its API
 * key (rule T32). Read from the store's own index; a page looks at {@link scanMax} conversations at most, so that a filter
 * that fits few of many costs no more than one that fits all.
 */
import { limits, SudaError, type Conversation, type ConversationId, type UserId } from "@suda/protocol";
import type { Controlled } from "../store/control.ts";
import type { ConversationRecord } from "../store/store.ts";
import type { ChatContext } from "./context.ts";
import { viewConversation } from "./view.ts";

export interface InboxQuery {
  readonly state?: "waiting" | "held";
  readonly agent?: UserId;
  readonly queue?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

export interface InboxItem {
  readonly conversation: Conversation;
  /** The two of a direct conversation. */
  readonly between?: UserId[];
}

export interface InboxPage {
  readonly items: InboxItem[];
  readonly more: boolean;
  readonly next?: string;
}

const scanMax = 1_000;
const readAtOnce = 100;

/** Longest waiting, or held, first. @throws SudaError frame.invalid */
export async function readInbox(context: ChatContext, query: InboxQuery): Promise<InboxPage> {
  const { agent, queue, cursor, limit = limits.pageDefault, state = agent === undefined ? "waiting" : "held" } = query;
  if (state === "waiting" && agent !== undefined)
    throw new SudaError("frame.invalid", "/agent: what waits has no agent yet; name it with `state=held`.", { path: "/agent" });
  const holder = state === "held" ? "human" : "none";
  const { conversations } = context.store;
  const items: InboxItem[] = [];
  let after = cursor === undefined ? undefined : parseCursor(cursor);
  for (let scanned = 0; scanned < scanMax; ) {
    const page = await conversations.withControl(holder, after, readAtOnce);
    const records = new Map((await conversations.getMany(page.map(({ id }) => id))).map((record) => [record.id, record]));
    for (const place of page) {
      scanned++;
      after = place;
      const record = records.get(place.id);
      // Changed between the two reads: it is at another place now, or at none.
      if (record?.control?.holder !== holder || record.control.at !== place.at) continue;
      if ((agent !== undefined && record.control.agent !== agent) || (queue !== undefined && record.control.queue !== queue)) continue;
      items.push(await itemOf(context, record));
      if (items.length === limit) return { items, more: true, next: cursorOf(place) };
    }
    if (page.length < readAtOnce) return { items, more: false };
  }
  return { items, more: true, ...(after === undefined ? {} : { next: cursorOf(after) }) };
}

async function itemOf(context: ChatContext, record: ConversationRecord): Promise<InboxItem> {
  const { between } = record;
  return { conversation: await viewConversation(context, record, undefined), ...(between === undefined ? {} : { between: [...between] }) };
}

function cursorOf({ id, at }: Controlled): string {
  return `${at}_${id}`;
}

function parseCursor(cursor: string): Controlled {
  const parts = /^(\d{1,16})_(.+)$/.exec(cursor);
  if (parts === null) throw new SudaError("frame.invalid", "/cursor is not the `next` of a page.", { path: "/cursor" });
  return { at: Number(parts[1]), id: parts[2] as ConversationId };
}
