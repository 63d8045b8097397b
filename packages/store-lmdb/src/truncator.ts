/**
 * Takes the beginning of a log away (S31), batch by batch: each is one commit that moves the floor with all that leaves
 * by it, so that a crash between two leaves a log that begins at the floor of the first. Between two batches other writes
 * take their turn.
 *
 * Marks of reactions are swept behind the floor, where no read looks any more: one message can have more of them than
 * fit into a batch. What a crash leaves of them is swept by the next truncation of the conversation.
 */
import { SudaError, type ConversationId } from "@suda/protocol";
import { planTruncation, type TruncationView } from "@suda/server/store";
import type { Committer } from "./committer.ts";
import { annotationKey, annotationsStart, entryKey, hideKey, sendKey, tailKey } from "./keys.ts";
import type { PlannedRecords } from "./planned-records.ts";
import type { Reader } from "./reader.ts";
import { encodeEntry, encodeRecord, storedKeyValue } from "./records.ts";

/** Entries, keys and edits of one batch: some 5 ms of planning for short messages. */
const batchMaxRecords = 512;
const sweepMaxKeys = 1_000;

export interface TruncatorOptions {
  readonly committer: Committer;
  readonly reader: Reader;
  readonly records: PlannedRecords;
}

export class Truncator {
  readonly #committer: Committer;
  readonly #reader: Reader;
  readonly #records: PlannedRecords;

  constructor({ committer, reader, records }: TruncatorOptions) {
    this.#committer = committer;
    this.#reader = reader;
    this.#records = records;
  }

  async truncate(id: ConversationId, before: number): Promise<{ readonly removed: number; readonly from: number }> {
    let removed = 0;
    for (;;) {
      const count = this.#planBatch(id, before);
      if (count === 0) break;
      await this.#committer.commit();
      removed += count;
    }
    // The floor may be that of another call's batch, which is under way.
    await this.#committer.settled(tailKey(id));
    await this.#sweep(id);
    return { removed, from: this.#floor(id) + 1 };
  }

  /** Plans the next batch without awaiting, as every write. Returns how many entries go with it. */
  #planBatch(id: ConversationId, before: number): number {
    const records = this.#records;
    const conversation = records.conversation(id);
    if (conversation === undefined) throw new SudaError("conversation.not_found");
    // The durable head: what nobody has seen yet may vanish by itself.
    const last = Math.min(before - 1, this.#reader.tail(id)?.[0] ?? 0);
    if (last <= (conversation.floor?.seq ?? 0)) return 0;
    this.#committer.checkWritable();
    const annotated: number[] = [];
    const view: TruncationView = {
      conversation,
      entry: (seq) => records.entry(id, seq),
      annotation: (target) => {
        const annotation = records.annotation(id, target);
        if (annotation !== undefined) annotated.push(target);
        return annotation;
      },
      hideMarks: (first, end) => records.hideMarks(id, first, end),
      hides: (user) => records.hides(id, user),
      member: (user) => records.member(id, user),
    };
    const plan = planTruncation(view, last, batchMaxRecords);
    if (plan === undefined) return 0;
    for (const { seq } of plan.removed) this.#committer.remove(entryKey(id, seq));
    for (const target of annotated) this.#committer.remove(annotationKey(id, target));
    for (const { from, clientId, key } of plan.keys) this.#putEncoded(sendKey(id, from, clientId), storedKeyValue(key));
    for (const entry of plan.erased) {
      const key = entryKey(id, entry.seq);
      this.#committer.put(key, encodeEntry(key, entry));
    }
    for (const { target, user } of plan.hideMarks) this.#committer.remove(hideKey(id, target, user));
    for (const [user, count] of plan.hides) records.putHides(id, user, count);
    for (const [user, member] of plan.members) records.putMember(id, user, member);
    records.putConversation(conversation, plan.conversation);
    return plan.removed.length;
  }

  /** Removes what is left of messages below the floor. All of it is durable: nothing can be planned for them any more. */
  async #sweep(id: ConversationId): Promise<void> {
    const floor = this.#floor(id);
    if (floor === 0) return;
    for (;;) {
      const keys = this.#reader.keys({ start: annotationsStart(id), end: annotationKey(id, floor + 1), limit: sweepMaxKeys });
      if (keys.length === 0) return;
      this.#committer.checkWritable();
      for (const key of keys) this.#committer.remove(key);
      await this.#committer.commit();
    }
  }

  #floor(id: ConversationId): number {
    return this.#reader.tail(id)?.[6]?.[0] ?? 0;
  }

  #putEncoded(key: string, value: unknown): void {
    this.#committer.put(key, encodeRecord(key, value));
  }
}
