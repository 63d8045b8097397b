/**
 * One conformance suite for every store driver: docs/contracts/store.md as tests, titled with the rule's ID.
 * A driver's own test file calls {@link storeSuite} and adds only what the driver alone can do (crashes, files).
 *
 * @example
 * storeSuite("memory", async ({ clock }) => ({ store: new MemoryStore({ clock }) }));
 */
import { describe } from "node:test";
import { appendRules } from "./store-suite/append-rules.ts";
import { changeRules } from "./store-suite/change-rules.ts";
import { controlRules } from "./store-suite/control-rules.ts";
import { conversationRules } from "./store-suite/conversation-rules.ts";
import { documentRules } from "./store-suite/document-rules.ts";
import { durabilityRules } from "./store-suite/durability-rules.ts";
import { effectRules } from "./store-suite/effect-rules.ts";
import { hideRules } from "./store-suite/hide-rules.ts";
import { interactionRules } from "./store-suite/interaction-rules.ts";
import { memberRules } from "./store-suite/member-rules.ts";
import { readRules } from "./store-suite/read-rules.ts";
import { settingRules } from "./store-suite/setting-rules.ts";
import { truncationRules } from "./store-suite/truncation-rules.ts";
import { userRules } from "./store-suite/user-rules.ts";
import type { OpenStore } from "./store-suite/world.ts";

export type { OpenedStore, OpenStore, OpenStoreOptions } from "./store-suite/world.ts";

/**
 * Registers the suite as node:test tests under `store: name`.
 * @param open called once per test; gives a fresh, empty store (with `reopen` if it outlives its object).
 * The suite disposes the store, then calls `cleanup`.
 */
export function storeSuite(name: string, open: OpenStore): void {
  describe(`store: ${name}`, () => {
    appendRules(open);
    readRules(open);
    effectRules(open);
    changeRules(open);
    interactionRules(open);
    memberRules(open);
    conversationRules(open);
    settingRules(open);
    hideRules(open);
    controlRules(open);
    truncationRules(open);
    userRules(open);
    documentRules(open);
    durabilityRules(open);
  });
}
