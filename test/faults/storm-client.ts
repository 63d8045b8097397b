/** What both kinds of clients of a reconnect storm are asked for, and how what they show is held against the logs. */
import type { ConversationId, UserId } from "@suda/protocol";
import type { ReadEntry } from "@suda/testing";

export interface StormClientOptions {
  readonly user: UserId;
  readonly token: string;
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Each client has an address of its own, as at home. */
  readonly localAddress: string;
  readonly rooms: readonly ConversationId[];
  /** A refusal or a close, by its code; only what comes after {@link StormClient.go} is counted. */
  readonly onRefused: (code: string) => void;
}

export interface StormClient {
  readonly user: UserId;
  /** Connected, and knows all. */
  readonly isResumed: boolean;
  /** Monotonic ms of the machine; `undefined` before. */
  readonly resumedAtMs: number | undefined;
  /** From the beginning of the try that succeeded. */
  readonly tookMs: number;
  /** Resolves when it is connected for the first time and up to date. */
  ready(): Promise<void>;
  /** The server is about to be gone. */
  hold(): void;
  /** Everything is lost: from now on it is resumed when it has these heads. */
  expect(heads: ReadonlyMap<ConversationId, number>): void;
  /** There is a server again. */
  go(): void;
  /** What it shows of a conversation: entries, the seq before the first of them, and the head that it names. */
  shown(room: ConversationId): { readonly base: number; readonly entries: readonly ReadEntry[]; readonly head: number };
  /** What it saw that may not be: a hole, an entry twice. */
  readonly found: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Entries of one conversation as they were shown, one after the other. */
export class ShownLog {
  readonly base: number;
  readonly entries: ReadEntry[] = [];

  constructor(base: number) {
    this.base = base;
  }

  get head(): number {
    return this.base + this.entries.length;
  }

  /** @returns whether it is the next one */
  add(entry: ReadEntry): boolean {
    if (entry.seq !== this.head + 1) return false;
    this.entries.push(entry);
    return true;
  }
}

/** What the clients show and the logs do not have, or the other way round, in words. */
export function compareWithLogs(
  client: StormClient,
  rooms: readonly ConversationId[],
  logs: Readonly<Record<string, readonly ReadEntry[]>>,
): readonly string[] {
  const differences: string[] = [...client.found];
  for (const room of rooms) {
    const { base, entries, head } = client.shown(room);
    const truth = logs[room] ?? [];
    const wanted = truth.slice(base);
    const say = (what: string): void => void differences.push(`${client.user} in ${room}: ${what}`);
    if (head !== truth.length) say(`names the head ${head}, the log ends at ${truth.length}`);
    if (entries.length !== wanted.length) say(`shows ${entries.length} entries after seq ${base}, the log has ${wanted.length}`);
    const wrong = wanted.findIndex((entry, index) => !isSame(entry, entries[index]));
    if (wrong >= 0) say(`shows seq ${base + wrong + 1} as ${JSON.stringify(entries[wrong])}, the log has ${JSON.stringify(wanted[wrong])}`);
  }
  return differences;
}

function isSame(stored: ReadEntry, shown: ReadEntry | undefined): boolean {
  return shown !== undefined && stored.seq === shown.seq && stored.from === shown.from && stored.clientId === shown.clientId && stored.body === shown.body;
}
