/** Opens the channel layer that the configuration names. What its engine needs is loaded only when it is chosen. */
import type { Log } from "@suda/server";
import type { ChannelLayer } from "@suda/server/channel-layer";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { sourceOf, type LoadedConfig } from "../config/load-config.ts";
import { maskRedisUrl } from "../config/redis-url.ts";

export interface LayerEnvironment {
  readonly log: Log;
  /** Gets what receivers throw. */
  readonly onFailure: (error: unknown) => void;
}

/** `undefined` for the server's own. A Redis that is not there yet is waited for while the server runs. @throws CommandError `layer.unusable`, `config` */
export async function openLayer({ config, sources }: LoadedConfig, { log, onFailure }: LayerEnvironment): Promise<ChannelLayer | undefined> {
  if (config.layer === "memory") return undefined;
  const { RedisChannelLayer, RedisLayerError } = await loadRedisDriver();
  const url = maskRedisUrl(config.redisUrl);
  // Failures are told before there is one.
  let opened: ChannelLayer | undefined;
  const facts = (): object => ({ layer: "redis", url, lost: opened?.link?.lost ?? 0 });
  try {
    const layer = await RedisChannelLayer.open({
      url: config.redisUrl,
      prefix: config.redisPrefix,
      onFailure: (error) => {
        if (error instanceof RedisLayerError) log.warn({ ...facts(), code: error.code }, error.message);
        else onFailure(error);
      },
    });
    opened = layer;
    const { link } = layer;
    link.onRestored(() => {
      if (link.isConnected) log.info(facts(), "Redis is there: nodes hear each other, and what they missed is in the logs.");
      else log.info(facts(), "A part of Redis is there again, and another is not.");
    });
    if (link.isConnected) log.info(facts(), "The channel layer is connected to Redis.");
    return layer;
  } catch (error) {
    const where = sourceOf("redisUrl", sources.redisUrl);
    if (error instanceof RedisLayerError) throw new CommandError("layer.unusable", `${url}: ${error.message}`, `Correct ${where}`, { cause: error });
    if (error instanceof TypeError)
      throw new CommandError("config", `${where} cannot be used: ${error.message}`, "All settings: suda config doc", { cause: error });
    throw error;
  }
}

/** @throws CommandError `layer.unusable` when the engine's client is not installed */
export async function loadRedisDriver(): Promise<typeof import("@suda/channel-layer-redis")> {
  try {
    return await import("@suda/channel-layer-redis");
  } catch (error) {
    if (systemErrorCode(error) !== "ERR_MODULE_NOT_FOUND" || !(error as Error).message.includes("@redis/client")) throw error;
    throw new CommandError(
      "layer.unusable",
      "layer redis needs the package @redis/client, which is not installed",
      "npm install @redis/client@6; in a clone of Suda: npm run install:drivers",
      {
        cause: error,
      },
    );
  }
}
