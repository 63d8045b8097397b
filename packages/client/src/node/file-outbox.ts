/**
 * An outbox in a file: lines of JSON, appended and synced before `put` resolves. A line that a crash cut off
 * is left out, which is right: its `put` had not resolved. When the file is opened, and when most of it is
 * history, it is written anew beside itself and renamed over, so that it is never half there.
 *
 * One process at a time. Writes that come while the disk works go out together with one sync.
 */
import { mkdir, open, readFile, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { ClientId } from "@suda/protocol";
import { reviveContent, stringify } from "../connection/frame-text.ts";
import type { Outbox, OutboxEntry } from "../sending/outbox.ts";

/** Waits for what is being written, then closes the file. */
export type FileOutbox = Outbox & AsyncDisposable;

type Line = { readonly put: OutboxEntry } | { readonly remove: ClientId };

/** Lines in the file beyond which it is worth writing anew, if fewer than half of them still count. */
const compactAfterLines = 1_000;

/**
 * @param path of the file; it and its directory are made if they are not there
 * @throws the file system's error
 */
export async function openFileOutbox(path: string): Promise<FileOutbox> {
  await mkdir(dirname(path), { recursive: true });
  const outbox = new LineFileOutbox(path, await readEntries(path));
  await outbox.compact();
  return outbox;
}

class LineFileOutbox implements FileOutbox {
  readonly #path: string;
  readonly #entries: Map<ClientId, OutboxEntry>;
  #file: FileHandle | undefined;
  #lineCount = 0;
  /** Text that waits for the write before it. */
  #pending = "";
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(path: string, entries: Map<ClientId, OutboxEntry>) {
    this.#path = path;
    this.#entries = entries;
  }

  async load(): Promise<readonly OutboxEntry[]> {
    return [...this.#entries.values()];
  }

  async put(entry: OutboxEntry): Promise<void> {
    this.#entries.set(entry.clientId, entry);
    await this.#append({ put: entry });
  }

  async remove(clientId: ClientId): Promise<void> {
    if (this.#entries.delete(clientId)) await this.#append({ remove: clientId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever wrote has been told when that failed.
    await (this.#next ?? this.#writing).catch(() => {});
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Writes only what still counts. */
  async compact(): Promise<void> {
    const temporary = `${this.#path}.new`;
    const entries = [...this.#entries.values()];
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(entries.map((entry) => textOf({ put: entry })).join(""));
      await file.sync();
      await rename(temporary, this.#path);
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    // The same file, under its new name.
    this.#file = file;
    this.#lineCount = entries.length;
  }

  #append(line: Line): Promise<void> {
    this.#pending += textOf(line);
    this.#lineCount++;
    this.#next ??= this.#writeAfter(this.#writing);
    return this.#next;
  }

  async #writeAfter(before: Promise<void>): Promise<void> {
    // Whoever wrote before has been told when that failed.
    await before.catch(() => {});
    this.#writing = this.#next ?? Promise.resolve();
    this.#next = undefined;
    const text = this.#pending;
    this.#pending = "";
    if (this.#file === undefined) throw new Error("The outbox is closed.");
    // An entry of this text may be gone already; then compacting leaves it out, as it should.
    if (this.#lineCount > compactAfterLines && this.#lineCount > 2 * this.#entries.size) return this.compact();
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }
}

async function readEntries(path: string): Promise<Map<ClientId, OutboxEntry>> {
  const entries = new Map<ClientId, OutboxEntry>();
  for (const text of (await readIfThere(path)).split("\n")) {
    const line = parse(text);
    if (line === undefined) continue;
    if ("remove" in line) entries.delete(line.remove);
    else entries.set(line.put.clientId, { ...line.put, content: reviveContent(line.put.content) });
  }
  return entries;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function parse(text: string): Line | undefined {
  try {
    return text === "" ? undefined : (JSON.parse(text) as Line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function textOf(line: Line): string {
  return `${stringify(line)}\n`;
}

/** So that the new name survives a power failure; Windows has no such thing and refuses to open a directory. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
