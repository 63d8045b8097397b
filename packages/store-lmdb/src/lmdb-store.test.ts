import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeMovingSuite, storeSuite, type OpenStore } from "@suda/testing";
import { openLmdbStore } from "./open-lmdb-store.ts";

const open: OpenStore = async ({ clock }) => {
  const directory = await mkdtemp(join(tmpdir(), "suda-store-"));
  return {
    store: await openLmdbStore({ directory, clock }),
    reopen: () => openLmdbStore({ directory, clock }),
    cleanup: () => rm(directory, { recursive: true, force: true }),
  };
};

storeSuite("lmdb", open);
storeMovingSuite("lmdb", { openSource: open, openTarget: open });
