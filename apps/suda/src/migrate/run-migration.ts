/**
 * `suda migrate`: the store of a data directory into another one, with its server running (S57). Copy while the server writes,
 * until there is little left; keep it from writing; copy the rest; compare every conversation's rolling hash; and leave the
 * old store so that nobody starts on it again. Killed at any moment, the same command goes on.
 */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { MoveSourceDamaged, StoreMove, StoreOpenError, type MoveVerdict, type PassResult, type Store } from "@suda/server/store";
import { MoveLost, openLmdbMove, type LmdbMove } from "@suda/store-lmdb";
import { CommandError } from "../command-error.ts";
import { storeError } from "../server/store-error.ts";
import { beginPass, endIncoming, readIncoming } from "./incoming.ts";

export interface MigrationOptions {
  readonly data: string;
  /** Opens the store to move into. */
  readonly openTarget: () => Promise<Store>;
  /** For people, and for the mark on the old store. */
  readonly targetName: string;
  /** `live`: the server writes while most is copied. `read-only`: it is kept from it from the beginning. `copy`: nothing is switched. */
  readonly mode: "live" | "read-only" | "copy";
  /** Things that are copied side by side. */
  readonly parallel: number;
  readonly now: () => number;
  readonly print: (line: string) => void;
  readonly onProgress: (progress: PassResult) => void;
}

export interface Migrated {
  readonly isSwitched: boolean;
  readonly verdict: MoveVerdict;
  /** For how long the server was kept from writing. */
  readonly readOnlyMs: number;
}

/** Passes beside a server that writes: each is as long as what was written during the one before. */
const livePassesMax = 8;
/** So few things are copied in a moment. */
const fewThings = 50;

/** @throws CommandError `data.unusable`, `file.exists`, `migration.failed` */
export async function runMigration(options: MigrationOptions): Promise<Migrated> {
  try {
    await using move = await openLmdbMove({ directory: options.data });
    await using target = await options.openTarget();
    return await migrate(move, target, options);
  } catch (error) {
    if (error instanceof StoreOpenError) throw storeError(error);
    if (error instanceof MoveLost)
      throw new CommandError("migration.failed", error.message, "Run the same command again: it goes on where it was", { cause: error });
    if (error instanceof MoveSourceDamaged)
      throw new CommandError("migration.failed", `the store is damaged: ${error.message}`, "Restore it from a backup first; nothing was switched", {
        cause: error,
      });
    throw error;
  }
}

async function migrate(move: LmdbMove, target: Store, options: MigrationOptions): Promise<Migrated> {
  const { print, now, mode } = options;
  const from = `${hostname()}:${resolve(options.data)}`;
  const incoming = await readIncoming(target);
  if (move.movedTo !== undefined) return finishLater(move, target, { options, isIncoming: incoming?.from === from });
  if (incoming === undefined) await checkEmpty(target, options.targetName);
  else if (incoming.from !== from)
    throw new CommandError(
      "file.exists",
      `${options.targetName} is the unfinished copy of another store (${incoming.from})`,
      "Name an empty store, or finish that migration",
    );
  else print(`going on after ${incoming.pass} passes`);
  const storeMove = new StoreMove({ from: move.store, to: target, parallel: options.parallel, onProgress: options.onProgress });
  const pass = async (): Promise<PassResult> => {
    const startedAt = now();
    const result = await storeMove.pass(await beginPass(target, from));
    print(
      `copied ${result.copied} of ${result.conversations} conversations and ${result.users} users, ${result.entries} entries, in ${seconds(now() - startedAt)}`,
    );
    return result;
  };
  if (mode !== "read-only") {
    for (let count = 1; count <= livePassesMax; count++) if ((await pass()).copied <= fewThings) break;
    checkSame(await storeMove.verify({ isLive: true }), options);
  }
  if (mode === "copy") return { isSwitched: false, verdict: await storeMove.verify({ isLive: true }), readOnlyMs: 0 };
  const frozenAt = now();
  move.freeze();
  print("the server may not write any more");
  await pass();
  const verdict = await storeMove.verify();
  checkSame(verdict, options);
  move.finish(options.targetName);
  await endIncoming(target);
  return { isSwitched: true, verdict, readOnlyMs: now() - frozenAt };
}

/** It was killed between the two last steps, or is run once more. */
async function finishLater(
  move: LmdbMove,
  target: Store,
  { options, isIncoming }: { readonly options: MigrationOptions; readonly isIncoming: boolean },
): Promise<Migrated> {
  if (!isIncoming)
    throw new CommandError(
      "data.unusable",
      `the store of ${options.data} was moved to ${move.movedTo ?? "another one"} already`,
      "Start the server with that one",
    );
  const verdict = await new StoreMove({ from: move.store, to: target, parallel: options.parallel }).verify();
  checkSame(verdict, options);
  await endIncoming(target);
  return { isSwitched: true, verdict, readOnlyMs: 0 };
}

function checkSame({ differences }: MoveVerdict, { print }: MigrationOptions): void {
  if (differences.length === 0) return;
  for (const difference of differences) print(`✗ ${difference}`);
  throw new CommandError(
    "migration.failed",
    `the copy differs in ${differences.length} places; nothing was switched`,
    "Report it with the lines above; the old store is as it was, and in use",
  );
}

async function checkEmpty(target: Store, name: string): Promise<void> {
  if ((await target.conversations.list(undefined, 1)).length === 0) return;
  throw new CommandError("file.exists", `${name} is not empty`, "Name a store that nothing was ever written to");
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
