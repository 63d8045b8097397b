import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { ClientId } from "@suda/protocol";
import { outboxEntry, outboxSuite, type OpenedOutbox } from "../../test/outbox-suite.ts";
import { openFileOutbox, type FileOutbox } from "./file-outbox.ts";

interface OpenedFile extends OpenedOutbox {
  readonly path: string;
  readonly outbox: FileOutbox;
}

async function openInFolder(): Promise<OpenedFile> {
  const folder = await mkdtemp(join(tmpdir(), "suda-outbox-"));
  const path = join(folder, "user", "outbox.jsonl");
  const opened: FileOutbox[] = [];
  const open = async (): Promise<FileOutbox> => {
    const outbox = await openFileOutbox(path);
    opened.push(outbox);
    return outbox;
  };
  return {
    path,
    outbox: await open(),
    reopen: open,
    [Symbol.asyncDispose]: async () => {
      for (const outbox of opened) await outbox[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

outboxSuite("file", openInFolder);

describe("the file", () => {
  test("a line that a crash cut off is left out, and the next one is whole", async () => {
    await using opened = await openInFolder();
    await opened.outbox.put(outboxEntry("a"));
    await appendFile(opened.path, '{"put":{"clientId":"b","conv');
    const again = await opened.reopen();
    await again.put(outboxEntry("c"));
    assert.deepEqual(await (await opened.reopen()).load(), [outboxEntry("a"), outboxEntry("c")]);
  });

  test("it does not grow with what was sent, and nobody else may read it", async () => {
    await using opened = await openInFolder();
    await opened.outbox.put(outboxEntry("kept"));
    for (let round = 0; round < 30; round++) {
      const names = Array.from({ length: 50 }, (_, index) => `r${round}-${index}`);
      await Promise.all(names.map((name) => opened.outbox.put(outboxEntry(name))));
      await Promise.all(names.map((name) => opened.outbox.remove(name as ClientId)));
    }
    const lines = (await readFile(opened.path, "utf8")).trim().split("\n");
    assert.ok(lines.length <= 1_100, `${lines.length} lines`);
    assert.deepEqual(await (await opened.reopen()).load(), [outboxEntry("kept")]);
    if (process.platform !== "win32") assert.equal((await stat(opened.path)).mode & 0o077, 0);
  });

  test("after it was closed, a put fails", async () => {
    await using opened = await openInFolder();
    await opened.outbox[Symbol.asyncDispose]();
    await assert.rejects(opened.outbox.put(outboxEntry("late")), /closed/);
  });
});
