import { storeSuite } from "@suda/testing";
import { MemoryStore } from "./memory-store.ts";

storeSuite("memory", async ({ clock }) => ({ store: new MemoryStore({ clock }) }));
