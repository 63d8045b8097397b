/**
 * What a log alone tells of its messages: edits, deletions, reactions, taps and pins, and what must be erased. Changes have a
 * greater seq than their message, so that for every message above the floor all of them are there, and what comes of it
 * is certain. Contents are kept as their digests: a whole log of edits need not fit into memory.
 */
import type { UserId } from "@suda/protocol";
import { annotate, isErasable, isErased, isMessageChange, pinsAfter } from "./annotations.ts";
import { digestOf } from "./log-entry.ts";
import type { Annotation, LogEntry } from "./store.ts";

export class ChangesReplay {
  pins: readonly number[] | undefined;
  /** User → message → emoji, of everybody who ever reacted. */
  readonly given: Map<UserId, Map<number, Set<string>>> = new Map();
  readonly #floor: number;
  readonly #expected = new Map<number, Annotation>();
  readonly #stored = new Map<number, Annotation>();
  readonly #erasedMessages = new Set<number>();
  readonly #erasable: { readonly seq: number; readonly target: number; readonly isErased: boolean }[] = [];

  /** @param floor seq of the last entry that is gone */
  constructor(floor: number) {
    this.#floor = floor;
  }

  apply(entry: LogEntry): void {
    const { seq, from, body, annotation } = entry;
    if (annotation !== undefined) this.#stored.set(seq, digested(annotation, seq));
    if (body.type === "message.created" && isErased(body)) this.#erasedMessages.add(seq);
    if (!isMessageChange(body)) return;
    const { target } = body;
    if (isErasable(body)) this.#erasable.push({ seq, target, isErased: isErased(body) });
    if (target <= this.#floor) return;
    const known = body.type === "message.edited" ? { ...body, content: standIn(entry.digest) } : body;
    const after = annotate(this.#expected.get(target), entry, known);
    if (after !== undefined) this.#expected.set(target, after);
    this.pins = pinsAfter(this.pins, body);
    if (body.type !== "reaction.added" && body.type !== "reaction.removed") return;
    const messages = this.given.get(from) ?? new Map<number, Set<string>>();
    const emojis = messages.get(target) ?? new Set();
    if (body.type === "reaction.added") emojis.add(body.emoji);
    else emojis.delete(body.emoji);
    this.given.set(from, messages.set(target, emojis));
  }

  isDeleted(target: number): boolean {
    return this.#expected.get(target)?.deleted !== undefined;
  }

  /** Messages whose annotation is not what the log makes of them. */
  *differingAnnotations(isSame: (one: unknown, other: unknown) => boolean): Iterable<number> {
    for (const seq of new Set([...this.#expected.keys(), ...this.#stored.keys()])) if (!isSame(this.#expected.get(seq), this.#stored.get(seq))) yield seq;
  }

  /** Entries that are erased and should not be, or the other way round. */
  *differingErasures(): Iterable<{ readonly seq: number; readonly isErased: boolean }> {
    for (const seq of this.#erasedMessages) if (!this.isDeleted(seq)) yield { seq, isErased: true };
    for (const [seq, { deleted }] of this.#expected) if (deleted !== undefined && !this.#erasedMessages.has(seq)) yield { seq, isErased: false };
    // The edits of a message that was truncated, and what its taps said, are erased with it.
    for (const one of this.#erasable) if (one.isErased !== (one.target <= this.#floor || this.isDeleted(one.target))) yield one;
  }
}

/** Stands for a content in comparisons. */
function standIn(digest: string): { readonly type: "text"; readonly text: string } {
  return { type: "text", text: digest };
}

/** The content of an edit as the digest of its entry. */
function digested(annotation: Annotation, target: number): Annotation {
  const { edited } = annotation;
  if (edited === undefined) return annotation;
  const { rev, content } = edited;
  return { ...annotation, edited: { ...edited, content: standIn(digestOf({ type: "message.edited", target, rev, content })) } };
}
