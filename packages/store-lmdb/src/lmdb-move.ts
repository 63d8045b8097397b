/**
 * The embedded store as a move sees it (S57): it is read beside the server that uses it, for the last part of the way the
 * server is kept from writing, and in the end nobody opens it any more.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock, type Timer } from "@suda/protocol";
import { StoreOpenError } from "@suda/server/store";
import { checkDataFile, dataFileName } from "./data-file.ts";
import { openDatabase, type Database } from "./database.ts";
import { LmdbReadOnlyStore } from "./lmdb-read-only-store.ts";
import { checkNotMoving, freeze, giveBack, readMoveMark, writeMoveMark } from "./move-mark.ts";
import { asOpenError } from "./open-error.ts";
import { checkSchema, isHeldNow } from "./open-lmdb-read-only.ts";
import { beatIntervalMs, newOwner, staleOwnerMs, type Owner } from "./owner.ts";
import { Reader } from "./reader.ts";

/** The store was given back meanwhile, because the mover seemed dead: what it copied last may not be the end. */
export class MoveLost extends Error {
  override readonly name = "MoveLost";
}

export class LmdbMove implements AsyncDisposable {
  /** For reading alone. */
  readonly store: LmdbReadOnlyStore;
  /** Where the store was moved to, when it was moved already. */
  readonly movedTo: string | undefined;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #mover: Owner;
  #beat: Timer | undefined;

  constructor({ database, clock, directory }: { readonly database: Database; readonly clock: Clock; readonly directory: string }) {
    this.#database = database;
    this.#clock = clock;
    this.#directory = directory;
    const path = join(directory, dataFileName);
    this.#mover = newOwner(path, clock.now());
    this.store = new LmdbReadOnlyStore({ database, reader: new Reader(database, () => {}), isHeld: isHeldNow(database, path, clock.now()) });
    const mark = readMoveMark(database);
    this.movedTo = mark?.state === "moved" ? mark.to : undefined;
  }

  /** From now on nothing is committed, by whomever; a server refuses writes with `store.read_only`. @throws StoreOpenError `in_use`, `moved` */
  freeze(): void {
    this.#database.transactionSync(() => {
      checkNotMoving(this.#database, { self: this.#mover, now: this.#clock.now(), staleMs: staleOwnerMs, directory: this.#directory });
      freeze(this.#database, this.#beating());
    });
    this.#scheduleBeat();
  }

  /** The server may write again. Nothing when it was not kept from it. */
  giveBack(): void {
    this.#beat?.cancel();
    this.#database.transactionSync(() => {
      const mark = readMoveMark(this.#database);
      if (mark?.state === "frozen" && mark.mover.token === this.#mover.token) giveBack(this.#database, mark);
    });
  }

  /** Nobody opens it any more. @throws MoveLost when it was given back meanwhile; then it is as it was */
  finish(to: string): void {
    this.#beat?.cancel();
    const isMine = this.#database.transactionSync(() => {
      const mark = readMoveMark(this.#database);
      if (mark?.state !== "frozen" || mark.mover.token !== this.#mover.token) return false;
      writeMoveMark(this.#database, { state: "moved", to, at: this.#clock.now() });
      return true;
    });
    if (!isMine) throw new MoveLost("The store was given back to its server meanwhile, and may have been written to.");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.store.status().state === "closed") return;
    this.giveBack();
    await this.store[Symbol.asyncDispose]();
  }

  #beating(): Owner {
    return { ...this.#mover, beat: this.#clock.now() };
  }

  /** For those who cannot see this process: on another kernel's side of a mount. */
  #scheduleBeat(): void {
    this.#beat = this.#clock.schedule(beatIntervalMs, () => {
      this.#database.transactionSync(() => {
        const mark = readMoveMark(this.#database);
        if (mark?.state === "frozen" && mark.mover.token === this.#mover.token) writeMoveMark(this.#database, { ...mark, mover: this.#beating() });
      });
      this.#scheduleBeat();
    });
  }
}

/** @throws StoreOpenError as `openLmdbReadOnly` */
export async function openLmdbMove({ directory, clock = systemClock }: { readonly directory: string; readonly clock?: Clock }): Promise<LmdbMove> {
  const path = join(directory, dataFileName);
  if (!existsSync(path)) throw new StoreOpenError("not_a_store", `${directory} holds no store (${dataFileName}). Choose another directory.`, { directory });
  let database: Database | undefined;
  try {
    checkDataFile(path, directory);
    database = openDatabase(path);
    checkSchema(database, directory);
    return new LmdbMove({ database, clock, directory });
  } catch (error) {
    await database?.close();
    throw asOpenError(error, path, directory);
  }
}
