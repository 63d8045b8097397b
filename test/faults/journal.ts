/**
 * What users wrote, were told and were shown through `@suda/client`, and what went over the wire below it: the evidence of
 * the fault tests. In memory for clients of this process; in a file, one line a step and written at once, for clients of a
 * process that will be killed. Times are of the machine's monotonic clock, so that files of several processes fit together.
 */
import { hash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { LogEvent } from "@suda/protocol";
import type { HistoryRecord, ReadEntry } from "@suda/testing";

export type Step =
  /** A frame below the client, as the checker wants it: every try of a send, every reply, every live event. */
  | { readonly step: "wire"; readonly record: HistoryRecord }
  /** The user pressed enter. `body` is unique: no two writings are equal. */
  | { readonly step: "wrote"; readonly device: string; readonly user: string; readonly conversation: string; readonly clientId: string; readonly body: string }
  /** The outbox promised to keep it. */
  | { readonly step: "kept"; readonly device: string; readonly clientId: string }
  /** `stored` resolved: the user sees that it is sent. */
  | { readonly step: "stored"; readonly device: string; readonly clientId: string; readonly seq: number }
  /** `stored` rejected with a refusal. */
  | { readonly step: "refused"; readonly device: string; readonly clientId: string; readonly code: string }
  /** A listener was told of an entry. A life is one client object. */
  | { readonly step: "shown"; readonly device: string; readonly life: number; readonly conversation: string; readonly entry: ReadEntry };

export type JournalEntry = Step & { readonly atMs: number };

export interface Journal {
  note(step: Step): void;
}

export class MemoryJournal implements Journal {
  readonly entries: JournalEntry[] = [];

  note(step: Step): void {
    this.entries.push({ atMs: monotonicMs(), ...step });
  }
}

export class FileJournal implements Journal, Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** When it returns, the line outlives this process. */
  note(step: Step): void {
    writeSync(this.#file, `${JSON.stringify({ atMs: monotonicMs(), ...step })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** All steps of several files in the order of time. A last line that was cut off by a kill had not returned. */
export function readJournals(paths: readonly string[]): readonly JournalEntry[] {
  const entries = paths.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as JournalEntry),
  );
  return entries.toSorted((a, b) => a.atMs - b.atMs);
}

/** Of the wire alone, for `checkHistory`. */
export function historyOf(entries: readonly JournalEntry[]): readonly HistoryRecord[] {
  return entries.flatMap((entry) => (entry.step === "wire" ? [entry.record] : []));
}

/** The same for all processes of this machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** An entry as it is compared: a message by its bytes, what happens to messages by what it is and to which. */
export function entryOf(event: LogEvent): ReadEntry {
  const { seq, from } = event;
  if (event.type === "message.created") return { seq, from, clientId: event.clientId, body: bodyOf(event.content) };
  return { seq, from, body: `${event.type} ${"target" in event ? event.target : ""}` };
}

/** Equal when the contents are; short, because there are many. */
export function bodyOf(content: object): string {
  return hash("sha1", JSON.stringify(content), "base64");
}
