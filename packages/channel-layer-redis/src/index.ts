export { RedisChannelLayer, type RedisChannelLayerOptions, type RedisLinkStatus } from "./redis-channel-layer.ts";
export { RedisLayerError } from "./redis-layer-error.ts";
