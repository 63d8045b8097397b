/** What stands at an address, for whoever configures it. */
import { systemClock, systemRandom } from "@suda/protocol";
import { parseRedisUrl } from "./redis-address.ts";
import { isRefusal, messageOf } from "./redis-client.ts";
import { RedisLayerError } from "./redis-layer-error.ts";
import { TopologyReader, type Topology } from "./topology.ts";

export interface ProbedRedis extends Pick<Topology, "kind" | "isSharded"> {
  readonly version: string;
  /** How many share the work; 1 but in a Cluster that shards. */
  readonly masters: number;
}

/** @throws RedisLayerError unreachable, refused; TypeError for what is no address */
export async function probeRedis(url: string): Promise<ProbedRedis> {
  const reader = new TopologyReader({ address: parseRedisUrl(url), clock: systemClock, random: () => systemRandom.float() });
  try {
    const { kind, isSharded, masters } = await reader.read([]);
    return { kind, isSharded, masters: masters.length, version: await reader.versionOf(masters) };
  } catch (cause) {
    throw new RedisLayerError(isRefusal(cause) ? "refused" : "unreachable", messageOf(cause), { cause });
  }
}
