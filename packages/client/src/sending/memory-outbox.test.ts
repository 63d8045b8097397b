import { outboxSuite } from "../../test/outbox-suite.ts";
import { MemoryOutbox } from "./memory-outbox.ts";

// It survives nothing; the rest of the contract holds for it too.
outboxSuite("memory", async () => {
  const outbox = new MemoryOutbox();
  return { outbox, reopen: async () => outbox, [Symbol.asyncDispose]: async () => {} };
});
