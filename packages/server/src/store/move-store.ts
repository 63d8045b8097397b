/**
 * Copies a whole store into another one, whatever the two drivers are, as often as it takes: each pass goes through the
 * source, which may be written to meanwhile, and copies what the target has otherwise. What was copied is found by comparing
 * the two, so nothing is noted beside them: whoever was killed begins with the next pass, and it does what was left. When
 * nobody writes any more, one more pass makes the two the same, and {@link StoreMove.verify} says whether they are.
 *
 * Rules S55–S57 of docs/contracts/store.md. Epochs, seqs, times, hashes and counters stay, so clients notice nothing.
 */
import { createHash } from "node:crypto";
import type { ConversationId, UserId } from "@suda/protocol";
import { isErased, isMessageChange } from "./annotations.ts";
import { documentCollections, type DocumentCollection, type DocumentRecord } from "./document-store.ts";
import { canonicalJson, chainHash, digestOf, emptyHash } from "./log-entry.ts";
import { inParallel } from "./in-parallel.ts";
import { conversationPages, documentsOf, entryPages, memberPages, pagesOf } from "./read-whole.ts";
import type { CreationKey, LeftKey, StoreSource, StoreTarget } from "./store-moving.ts";
import type { ConversationRecord, LogEntry, MemberRecord, Store } from "./store.ts";

export interface StoreMoveOptions {
  readonly from: Store;
  readonly to: Store;
  /** Conversations and users that are copied side by side. Default 1; more for a target over a network. */
  readonly parallel?: number;
  /** Told after each thing that was looked at. */
  readonly onProgress?: (progress: PassResult) => void;
}

/** What a pass looked at and what it copied. */
export interface PassResult {
  readonly conversations: number;
  readonly users: number;
  /** Conversations, users, documents and pages of creation keys that were other in the target. */
  readonly copied: number;
  readonly entries: number;
}

export interface MoveVerdict {
  readonly conversations: number;
  /** Read back from the target by this call and those before it. */
  readonly entries: number;
  /** For people: what is not the same. At most 100. */
  readonly differences: readonly string[];
}

/** The source's log does not agree with itself: it is damaged, and is not copied. */
export class MoveSourceDamaged extends Error {
  override readonly name = "MoveSourceDamaged";
}

type MovedFrom = Store & { readonly source: StoreSource };
type MovedInto = Store & { readonly target: StoreTarget };

/** Messages whose changes are copied one by one; beyond that the whole log is. */
const changedMax = 10_000;
const differencesMax = 100;

export class StoreMove {
  readonly #from: MovedFrom;
  readonly #to: MovedInto;
  readonly #options: StoreMoveOptions;
  /** Of what the two have alike, the digest; so that a later pass need not ask the target. Some 100 bytes a conversation or user. */
  readonly #alike = new Map<string, string>();
  /** Up to where a log was read back from the target and found right. */
  readonly #checked = new Map<ConversationId, { readonly seq: number; readonly hash: string }>();
  #readBackCount = 0;
  #counts = { conversations: 0, users: 0, copied: 0, entries: 0 };

  /** @throws TypeError for stores that cannot be moved from, or into */
  constructor(options: StoreMoveOptions) {
    const { from, to } = options;
    if (from.source === undefined || to.target === undefined) throw new TypeError("The one store has no source, or the other no target.");
    this.#from = from as MovedFrom;
    this.#to = to as MovedInto;
    this.#options = options;
  }

  /** @param pass 1, 2, 3… over all attempts, also those that were killed. @throws MoveSourceDamaged; what the stores throw */
  async pass(pass: number): Promise<PassResult> {
    this.#counts = { conversations: 0, users: 0, copied: 0, entries: 0 };
    for await (const page of conversationPages(this.#from.conversations)) await this.#each(page, (id) => this.#conversation(id, pass));
    for await (const page of this.#userPages()) await this.#each(page, (id) => this.#user(id, pass));
    await this.#creations(pass);
    for (const collection of documentCollections) if (collection !== "moves") await this.#documents(collection, pass);
    return { ...this.#counts };
  }

  /**
   * Reads every log back from the target, recomputes its rolling hash and compares it with the source's head; and compares
   * records, members and users. While the source is written to, `isLive` compares only what does not move: each log with
   * itself. What an earlier call has read back is not read again.
   */
  async verify({ isLive = false }: { readonly isLive?: boolean } = {}): Promise<MoveVerdict> {
    const differences: string[] = [];
    const report = (difference: string): void => void (differences.length < differencesMax && differences.push(difference));
    let conversations = 0;
    for await (const page of conversationPages(this.#to.conversations))
      await this.#each(page, async (id) => {
        conversations++;
        this.#readBackCount += await this.#readBack(id, { isLive, report });
      });
    const entries = this.#readBackCount;
    if (isLive) return { conversations, entries, differences };
    let expected = 0;
    for await (const page of conversationPages(this.#from.conversations)) expected += page.length;
    if (expected !== conversations) report(`${expected} conversations there and ${conversations} here`);
    for await (const page of this.#userPages())
      await this.#each(page, async (id) => {
        const [there, here] = [await this.#userDigest(this.#from, id), await this.#userDigest(this.#to, id)];
        if (there !== here) report(`user ${id}: the profile or the list of conversations is another one`);
      });
    return { conversations, entries, differences };
  }

  // ── conversations ───────────────────────────────────────────────────────────────────────────────────

  async #conversation(id: ConversationId, pass: number): Promise<void> {
    this.#counts.conversations++;
    const record = await this.#from.conversations.get(id);
    if (record === undefined) return;
    const members = await membersOf(this.#from, id);
    const digest = digestOfValue({ record, members });
    const key = `c${id}`;
    if (this.#alike.get(key) === digest) return this.#tell();
    const there = await this.#to.conversations.get(id);
    if (there === undefined || digestOfValue({ record: there, members: await membersOf(this.#to, id) }) !== digest) {
      await this.#log(record, there, pass);
      // After the members: who hides a message meanwhile changes their record, and is seen by the next pass.
      await this.#to.target.putConversation({ record, members, hides: await this.#from.source.hides(id) }, pass);
      this.#counts.copied++;
    }
    this.#alike.set(key, digest);
    this.#tell();
  }

  async #log(record: ConversationRecord, there: ConversationRecord | undefined, pass: number): Promise<void> {
    const { id, head, floor } = record;
    const { log } = this.#from;
    const known = await this.#knownUpTo(record, there);
    const changed = new Set<number>();
    /** Deletions erase entries between their target and themselves. */
    let erasedFrom = Infinity;
    let previous = known === undefined ? (floor?.hash ?? emptyHash) : (there?.head.hash ?? emptyHash);
    for await (const page of entryPages(log, id, { after: known ?? floor?.seq ?? 0, until: head.seq })) {
      for (const entry of page) {
        if (chainHash(previous, entry) !== entry.hash) throw new MoveSourceDamaged(`conversation ${id}, seq ${entry.seq}: its rolling hash does not follow`);
        previous = entry.hash;
        if (known === undefined || !isMessageChange(entry.body) || entry.body.target > known) continue;
        if (entry.body.type === "message.deleted") erasedFrom = Math.min(erasedFrom, entry.body.target);
        changed.add(entry.body.target);
      }
      await this.#putEntries(id, page, pass);
    }
    if (previous !== head.hash) throw new MoveSourceDamaged(`conversation ${id}: its log does not end at its head, seq ${head.seq}`);
    if (known === undefined) {
      this.#checked.delete(id);
      return this.#leftKeys(record, pass);
    }
    // More than one by one is cheaper, or right: an erased entry is not named by anything.
    const again = changed.size > changedMax ? Math.min(...changed) : erasedFrom;
    if (again !== Infinity) {
      this.#checked.delete(id);
      for await (const page of entryPages(log, id, { after: again - 1, until: known })) await this.#putEntries(id, page, pass);
    }
    for (const seq of [...changed].filter((seq) => seq < again).sort((one, other) => one - other))
      for await (const page of entryPages(log, id, { after: seq - 1, until: seq })) await this.#putEntries(id, page, pass);
  }

  /** Up to which seq the target's log is the beginning of the source's; `undefined`: copy all. */
  async #knownUpTo({ id, epoch, head, floor }: ConversationRecord, there: ConversationRecord | undefined): Promise<number | undefined> {
    if (there === undefined || there.epoch !== epoch || there.head.seq > head.seq || there.floor?.seq !== floor?.seq) return undefined;
    const { seq, hash } = there.head;
    if (seq === (floor?.seq ?? 0)) return hash === (floor?.hash ?? emptyHash) ? seq : undefined;
    const [entry] = await this.#from.log.readAfter(id, seq - 1, 1);
    return entry?.seq === seq && entry.hash === hash ? seq : undefined;
  }

  async #putEntries(id: ConversationId, page: readonly LogEntry[], pass: number): Promise<void> {
    const reacted = page.flatMap(({ seq, annotation }) => (annotation?.reactions === undefined ? [] : [seq]));
    const reactions = reacted.length === 0 ? [] : await this.#from.source.reactions(id, reacted);
    await this.#to.target.putEntries(id, page, reactions, pass);
    this.#counts.entries += page.length;
    this.#tell();
  }

  async #leftKeys({ id, floor }: ConversationRecord, pass: number): Promise<void> {
    if (floor === undefined) return;
    const pages = pagesOf(
      (after: LeftKey | undefined, limit) => this.#from.source.leftKeys(id, after, limit),
      (last) => last,
    );
    for await (const page of pages) await this.#to.target.putLeftKeys(id, page, pass);
  }

  /** How many entries were read. */
  async #readBack(id: ConversationId, { isLive, report }: { readonly isLive: boolean; readonly report: (difference: string) => void }): Promise<number> {
    const here = await this.#to.conversations.get(id);
    const there = await this.#from.conversations.get(id);
    if (here === undefined || there === undefined) {
      report(`conversation ${id} is only in one of the two`);
      return 0;
    }
    const { head, floor } = here;
    let { seq, hash } = this.#checked.get(id) ?? { seq: floor?.seq ?? 0, hash: floor?.hash ?? emptyHash };
    let count = 0;
    for await (const page of entryPages(this.#to.log, id, { after: seq, until: head.seq })) {
      for (const entry of page) {
        const isRight = entry.seq === seq + 1 && chainHash(hash, entry) === entry.hash && (isErased(entry.body) || digestOf(entry.body) === entry.digest);
        if (!isRight) {
          report(`conversation ${id}, seq ${entry.seq}: the entry is not what its rolling hash says`);
          return count;
        }
        ({ seq, hash } = entry);
        count++;
      }
    }
    if (seq !== head.seq || hash !== head.hash) report(`conversation ${id}: its log does not end at its head`);
    else this.#checked.set(id, { seq, hash });
    if (isLive) return count;
    if (there.head.hash !== head.hash || there.head.seq !== head.seq)
      report(`conversation ${id}: the rolling hash at seq ${head.seq} is ${head.hash}, and the source's at seq ${there.head.seq} is ${there.head.hash}`);
    else if (
      digestOfValue({ record: here, members: await membersOf(this.#to, id) }) !== digestOfValue({ record: there, members: await membersOf(this.#from, id) })
    )
      report(`conversation ${id}: its record or its members are others`);
    return count;
  }

  // ── users, creations, documents ─────────────────────────────────────────────────────────────────────

  async #user(id: UserId, pass: number): Promise<void> {
    this.#counts.users++;
    const [record] = await this.#from.users.getMany([id]);
    const { change, memberships } = await this.#from.conversations.memberships(id);
    const digest = digestOfUser(record, change, memberships);
    if (this.#alike.get(`u${id}`) === digest) return;
    if ((await this.#userDigest(this.#to, id)) !== digest) {
      await this.#to.target.putUser({ id, record, change, memberships }, pass);
      this.#counts.copied++;
    }
    this.#alike.set(`u${id}`, digest);
    this.#tell();
  }

  async #userDigest({ users, conversations }: Store, id: UserId): Promise<string> {
    const [record] = await users.getMany([id]);
    const { change, memberships } = await conversations.memberships(id);
    return digestOfUser(record, change, memberships);
  }

  async #creations(pass: number): Promise<void> {
    const pages = pagesOf(
      (after: CreationKey | undefined, limit) => this.#from.source.creations(after, limit),
      (last) => last,
    );
    let place = "w";
    for await (const page of pages) {
      const digest = digestOfValue(page);
      if (this.#alike.get(place) !== digest) {
        await this.#to.target.putCreations(page, pass);
        this.#alike.set(place, digest);
        this.#counts.copied++;
      }
      const last = page.at(-1);
      place = `w${last?.user}\n${last?.clientId}`;
    }
  }

  /** Both lists side by side: what only the target has was deleted meanwhile. */
  async #documents(collection: DocumentCollection, pass: number): Promise<void> {
    const wanted = documentsOf(this.#from.documents, collection);
    const found = documentsOf(this.#to.documents, collection);
    let [want, have] = [await wanted.next(), await found.next()];
    while (want.done !== true || have.done !== true) {
      const one = want.done === true ? undefined : want.value;
      const other = have.done === true ? undefined : have.value;
      const key = one === undefined || (other !== undefined && other.key < one.key) ? (other as DocumentRecord).key : one.key;
      const document = one?.key === key ? one : undefined;
      if (document === undefined || other?.key !== key || canonicalJson(document) !== canonicalJson(other)) {
        await this.#to.target.putDocument(collection, key, document, pass);
        this.#counts.copied++;
      }
      if (document !== undefined) want = await wanted.next();
      if (other?.key === key) have = await found.next();
    }
  }

  // ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #userPages(): AsyncGenerator<readonly UserId[], void> {
    return pagesOf(
      (after: UserId | undefined, limit) => this.#from.source.users(after, limit),
      (id) => id,
    );
  }

  #tell(): void {
    this.#options.onProgress?.({ ...this.#counts });
  }

  /** Different things go side by side: no order is promised between them. The first failure ends it. */
  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    await inParallel(items, this.#options.parallel ?? 1, work);
  }
}

async function membersOf({ conversations }: Store, id: ConversationId): Promise<readonly MemberRecord[]> {
  const members: MemberRecord[] = [];
  for await (const page of memberPages(conversations, id)) members.push(...page);
  return members;
}

function digestOfUser(record: unknown, change: number, memberships: readonly { readonly conversation: ConversationId }[]): string {
  const ordered = [...memberships].sort((one, other) => (one.conversation < other.conversation ? -1 : 1));
  return digestOfValue({ record, change, memberships: ordered });
}

function digestOfValue(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 32);
}
