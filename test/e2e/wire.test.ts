/** The wire suite against servers in this process, on real sockets: with the memory store and with LMDB. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdbStore } from "@suda/store-lmdb";
import { MemoryStore, type Store } from "@suda/server/store";
import { testApiKey, TestServer, wireSuite, type WireServer } from "@suda/testing";

async function serve(store: Store, cleanup: () => Promise<void> = async () => {}): Promise<WireServer> {
  const suda = await TestServer.open({ store });
  return {
    url: await suda.listen(),
    tokenOf: (user) => suda.token(user),
    apiKey: testApiKey,
    async close() {
      await suda[Symbol.asyncDispose]();
      await cleanup();
    },
  };
}

wireSuite("memory store", () => serve(new MemoryStore()));

wireSuite("LMDB", async () => {
  const directory = await mkdtemp(join(tmpdir(), "suda-wire-"));
  return serve(await openLmdbStore({ directory }), () => rm(directory, { recursive: true }));
});
