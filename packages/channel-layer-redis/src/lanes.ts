/**
 * How topics (a group, a node) become names in Redis.
 *
 * Sharded pub/sub wants all names of one command in one of Redis' 16,384 slots; names that each have a slot of their own would be a command
 * each. So topics are spread over 128 lanes, and a lane's names carry its tag, `{…}`, which alone decides on the slot (Redis Cluster
 * specification, "hash tags"). The tags lie evenly over the slots, so that every master of a Cluster has as many lanes as slots.
 */

/** The most masters of a Cluster that do something. A reconnect is at least that many commands. */
export const laneCount = 128;
const slotCount = 16_384;
const tagLength = 3;

/** Of each lane, in order of slots. */
const tags: readonly string[] = evenTags();
const slots: readonly number[] = tags.map((tag) => slotOf(tag));

const lanesOfTags: ReadonlyMap<string, number> = new Map(tags.map((tag, lane) => [tag, lane]));

export function slotOfLane(lane: number): number {
  return slots[lane] as number;
}

/** FNV-1a. Every node must find the same. */
export function laneOf(topic: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < topic.length; index++) hash = Math.imul(hash ^ topic.charCodeAt(index), 0x01000193);
  // The low bits alone are the weakest.
  return ((hash >>> 16) ^ hash) & (laneCount - 1);
}

/** Of a lane with a tag; without one (`undefined`) where Redis does not shard. */
export function channelName(prefix: string, lane: number | undefined, topic: string): string {
  return lane === undefined ? `${prefix}:${topic}` : `${prefix}:{${tags[lane] as string}}:${topic}`;
}

export function topicOf(prefix: string, isSharded: boolean, name: string): string {
  return name.slice(prefix.length + 1 + (isSharded ? tagLength + 3 : 0));
}

/** Of a name with a tag. */
export function laneOfName(prefix: string, name: string): number | undefined {
  return lanesOfTags.get(name.slice(prefix.length + 2, prefix.length + 2 + tagLength));
}

function evenTags(): string[] {
  const found: string[] = [];
  for (let number = 36 ** (tagLength - 1), missing = laneCount; missing > 0; number++) {
    const tag = number.toString(36);
    const lane = Math.floor((slotOf(tag) * laneCount) / slotCount);
    if (found[lane] !== undefined) continue;
    found[lane] = tag;
    missing--;
  }
  return found;
}

/** CRC-16/XMODEM of ASCII, as Redis Cluster counts slots. */
export function slotOf(text: string): number {
  let crc = 0;
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index) << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % slotCount;
}
