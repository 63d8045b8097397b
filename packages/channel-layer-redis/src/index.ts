export { probeRedis, type ProbedRedis } from "./probe-redis.ts";
export { RedisChannelLayer, type RedisChannelLayerOptions, type RedisLinkStatus } from "./redis-channel-layer.ts";
export { RedisLayerError, type RedisLayerCode } from "./redis-layer-error.ts";
