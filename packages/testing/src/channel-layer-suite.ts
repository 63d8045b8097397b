/**
 * One conformance suite for every channel layer: docs/contracts/channel-layer.md as tests, titled with the
 * rule's ID. A driver's own test file calls {@link channelLayerSuite} and adds only what the driver alone can
 * do (a broken link, another process).
 *
 * @example
 * channelLayerSuite("memory", async (options) => ({ layer: new MemoryChannelLayer(options) }));
 */
import { describe } from "node:test";
import { deliveryRules } from "./channel-layer-suite/delivery-rules.ts";
import { groupRules } from "./channel-layer-suite/group-rules.ts";
import { inboxRules } from "./channel-layer-suite/inbox-rules.ts";
import { nodeRules } from "./channel-layer-suite/node-rules.ts";
import type { OpenChannelLayer } from "./channel-layer-suite/world.ts";

export type { OpenChannelLayer, OpenChannelLayerOptions, OpenedChannelLayer } from "./channel-layer-suite/world.ts";

/**
 * Registers the suite as node:test tests under `channel layer: name`.
 * @param open called once per test; gives a fresh layer with no channels. The suite disposes the layers, then calls `cleanup`.
 */
export function channelLayerSuite(name: string, open: OpenChannelLayer): void {
  describe(`channel layer: ${name}`, () => {
    deliveryRules(open);
    inboxRules(open);
    groupRules(open);
    nodeRules(open);
  });
}
