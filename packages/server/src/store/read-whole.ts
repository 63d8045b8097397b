/**
 * Reading whole what a store gives page by page: lists, documents of a kind, logs. What others write meanwhile is read where it
 * is behind the place of the reading, and not where it is before it.
 */
import type { ConversationId, UserId } from "@suda/protocol";
import type { DocumentCollection, DocumentRecord, DocumentStore } from "./document-store.ts";
import { documentPageMax } from "./documents.ts";
import type { ConversationStore, LogEntry, LogStore, MemberRecord } from "./store.ts";

/** Of lists of ids and members. */
const pageMax = 1_000;
/** Entries may be large. */
const entriesMax = 500;
const entriesMaxBytes = 524_288;

/**
 * A list, page by page; none is empty. A page that is shorter than asked for is the last (S14, S35).
 * @param placeOf what the next page is asked for behind, of a page's last item
 */
export async function* pagesOf<Item, Place>(
  list: (after: Place | undefined, limit: number) => Promise<readonly Item[]>,
  placeOf: (last: Item) => Place,
  { limit = pageMax, after }: { readonly limit?: number; readonly after?: Place | undefined } = {},
): AsyncGenerator<readonly Item[], void> {
  for (let place = after; ; ) {
    const page = await list(place, limit);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < limit) return;
    place = placeOf(last);
  }
}

/** Ids of all conversations. */
export function conversationPages(conversations: Pick<ConversationStore, "list">): AsyncGenerator<readonly ConversationId[], void> {
  return pagesOf(
    (after: ConversationId | undefined, limit) => conversations.list(after, limit),
    (id) => id,
  );
}

/** Members of a conversation by id. */
export function memberPages(conversations: Pick<ConversationStore, "members">, id: ConversationId): AsyncGenerator<readonly MemberRecord[], void> {
  return pagesOf(
    (after: UserId | undefined, limit) => conversations.members(id, after, limit),
    ({ user }) => user,
  );
}

/** Documents whose key begins with the prefix, by key. Each may be deleted when it has been given. */
export async function* documentsOf(documents: Pick<DocumentStore, "list">, collection: DocumentCollection, prefix = ""): AsyncGenerator<DocumentRecord, void> {
  const pages = pagesOf(
    (after: string | undefined, limit) => documents.list(collection, after, limit),
    ({ key }) => key,
    { limit: documentPageMax, after: prefix === "" ? undefined : prefix },
  );
  for await (const page of pages)
    for (const document of page) {
      if (!document.key.startsWith(prefix)) return;
      yield document;
    }
}

/**
 * Entries with `after < seq ≤ until`, page by page. Ends before `until` where the log does; begins behind the floor where that is
 * later, also when it moves meanwhile.
 * @param after default 0 @param until default the end of the log
 */
export async function* entryPages(
  log: Pick<LogStore, "readAfter">,
  id: ConversationId,
  { after = 0, until = Number.POSITIVE_INFINITY }: { readonly after?: number; readonly until?: number } = {},
): AsyncGenerator<readonly LogEntry[], void> {
  for (let place = after; place < until; ) {
    const page = (await log.readAfter(id, place, entriesMax, entriesMaxBytes)).filter(({ seq }) => seq <= until);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    place = last.seq;
  }
}
