/** The bus is a channel layer like any other, as long as it loses nothing. */
import { channelLayerSuite } from "./channel-layer-suite.ts";
import { NodeBus } from "./node-bus.ts";

channelLayerSuite("bus", async ({ onFailure }) => {
  const bus = new NodeBus({ onFailure });
  return { layer: bus.node(), openAnother: async () => bus.node() };
});
