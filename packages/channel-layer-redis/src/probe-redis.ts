/** What stands at an address, for whoever configures it: one connection, two questions. */
import { createClient } from "@redis/client";
import { RedisLayerError } from "./redis-layer-error.ts";

export interface ProbedRedis {
  readonly version: string;
}

const timeoutMs = 5_000;

/** @throws RedisLayerError unreachable, refused; TypeError for what is no address */
export async function probeRedis(url: string): Promise<ProbedRedis> {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false, connectTimeout: timeoutMs } });
  client.on("error", () => {});
  try {
    await client.connect();
    const version = /^redis_version:(\S+)/m.exec(await client.info("server"))?.[1] ?? "of an unknown version";
    return { version };
  } catch (cause) {
    throw new RedisLayerError("unreachable", cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    if (client.isOpen) client.destroy();
  }
}
