/** The channel layer's contract and its memory driver. */
export {
  channelLayerLimits,
  checkGroupName,
  type Channel,
  type ChannelLayer,
  type ChannelLayerLink,
  type ChannelLayerStats,
  type LayerDropped,
  type LayerEvent,
  type Receive,
} from "./channel-layer.ts";
export { MemoryChannelLayer, type MemoryChannelLayerOptions } from "./memory-channel-layer.ts";
