/** The outbox in a file against the one in memory: any calls, and ends of the program in the middle of a line. */
import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ClientId } from "@suda/protocol";
import fc from "fast-check";
import { outboxEntry } from "../../test/outbox-suite.ts";
import { MemoryOutbox } from "../sending/memory-outbox.ts";
import { openFileOutbox, type FileOutbox } from "./file-outbox.ts";

type Step =
  | { readonly step: "put"; readonly name: string; readonly text: string; readonly isAwaited: boolean }
  | { readonly step: "remove"; readonly name: string; readonly isAwaited: boolean }
  /** The program ends; what a crash leaves of a line that was being written is at the end of the file. */
  | { readonly step: "reopen"; readonly torn: number; readonly isDisposed: boolean };

const name = fc.nat(5).map((index) => `m${index}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant("put" as const), name, text: fc.string({ unit: "binary", maxLength: 20 }), isAwaited: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("remove" as const), name, isAwaited: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("reopen" as const), torn: fc.nat(200), isDisposed: fc.boolean() }) },
);

test("whatever is put and removed, and wherever the program ends, what is loaded is what was kept, in order", async () => {
  const folder = await mkdtemp(join(tmpdir(), "suda-outbox-"));
  let files = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
        const path = join(folder, `${++files}.jsonl`);
        const model = new MemoryOutbox();
        const opened = [await openFileOutbox(path)];
        let outbox = opened[0] as FileOutbox;
        let under: Promise<void>[] = [];
        for (const one of steps) {
          if (one.step === "reopen") {
            await Promise.all(under);
            under = [];
            if (one.isDisposed) await outbox[Symbol.asyncDispose]();
            const line = JSON.stringify({ put: outboxEntry("torn", { at: 5 }) });
            await appendFile(path, line.slice(0, Math.min(one.torn, line.length - 1)));
            opened.push((outbox = await openFileOutbox(path)));
            assert.deepEqual(await outbox.load(), await model.load());
            continue;
          }
          const clientId = one.name as ClientId;
          const entry = outboxEntry(one.name, { content: { type: "text", text: one.step === "put" ? one.text : "" } });
          const done = one.step === "put" ? outbox.put(entry) : outbox.remove(clientId);
          await (one.step === "put" ? model.put(entry) : model.remove(clientId));
          under.push(done);
          if (one.isAwaited) await done;
        }
        await Promise.all(under);
        // Also those whose program ended: it would have left its file to the system.
        for (const one of opened) await one[Symbol.asyncDispose]();
        await using again = await openFileOutbox(path);
        assert.deepEqual(await again.load(), await model.load());
      }),
      { numRuns: 25, includeErrorInReport: true, interruptAfterTimeLimit: 30_000 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
