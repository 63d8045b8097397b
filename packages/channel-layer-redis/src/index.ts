export { probeRedis, type ProbedRedis } from "./probe-redis.ts";
export { RedisChannelLayer, type RedisChannelLayerOptions } from "./redis-channel-layer.ts";
export { RedisLayerError, type RedisLayerCode } from "./redis-layer-error.ts";
export type { RedisLinkStatus } from "./redis-link.ts";
