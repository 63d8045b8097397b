/**
 * Lines of JSON, to standard output or to a new file: as fast as the reader takes them, so that nothing piles up. A file
 * gets its name when it is whole.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { stringifyFrame } from "@suda/protocol";
import { flush } from "../backup/flush.ts";
import { unwritable } from "../backup/write-backup.ts";
import { CommandError } from "../command-error.ts";

const bufferBytes = 65_536;

/** @param path absent: standard output. @throws CommandError `file.exists`, `file.unwritable`; what the source throws */
export async function writeLines(lines: AsyncIterable<object>, path: string | undefined): Promise<void> {
  if (path === undefined) return writeOut(lines);
  if (existsSync(path)) throw new CommandError("file.exists", `${path} exists, and an export replaces nothing`, "Name a new file");
  const draft = `${path}.unfinished-${process.pid}`;
  try {
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      for await (const text of chunks(lines)) writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // Unlike a rename it replaces nothing.
    linkSync(draft, path);
    flush(dirname(path));
  } catch (error) {
    throw unwritable(error, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

async function writeOut(lines: AsyncIterable<object>): Promise<void> {
  for await (const text of chunks(lines)) {
    // Whoever read has gone (`| head`): main has taken the error.
    if (process.stdout.destroyed) return;
    if (!process.stdout.write(text)) await drained();
  }
}

async function drained(): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"]) process.stdout.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) process.stdout.on(event, done);
  });
}

async function* chunks(lines: AsyncIterable<object>): AsyncGenerator<string> {
  let text = "";
  for await (const line of lines) {
    text += `${stringifyFrame(line)}\n`;
    if (text.length < bufferBytes) continue;
    yield text;
    text = "";
  }
  yield text;
}
