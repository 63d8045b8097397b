/** What a move reads of the embedded store beside the ordinary contract (S55). */
import type { ConversationId, UserId } from "@suda/protocol";
import type { CreationKey, LeftKey, StandingHide, StandingReaction, StoreSource } from "@suda/server/store";
import {
  annotationKey,
  changeKey,
  creationKey,
  creationOf,
  hideMarkOf,
  hidesFrom,
  hideCountsOf,
  membersOf,
  reactionOf,
  sendKey,
  sendKeyOf,
  sendKeysOf,
  userKey,
} from "./keys.ts";
import type { Reader } from "./reader.ts";
import { storedKey, type SendKeyValue } from "./records.ts";

/** @param open throws when the store is closed */
export function lmdbSource(open: () => Reader): StoreSource {
  return {
    users: async (after, limit) => users(open(), after, limit),
    creations: async (after, limit) => creations(open(), after, limit),
    leftKeys: async (id, after, limit) => leftKeys(open(), id, { after, limit }),
    reactions: async (id, targets) => targets.flatMap((target) => reactions(open(), id, target)),
    hides: async (id): Promise<readonly StandingHide[]> =>
      open()
        .keys({ start: hidesFrom(id, 0), end: hideCountsOf(id) })
        .map(hideMarkOf),
  };
}

/** Two ordered ranges, of profiles and of change counters, made one. */
function users(reader: Reader, after: UserId | undefined, limit: number): readonly UserId[] {
  const profiles = reader.keys({ start: after === undefined ? "u" : `${userKey(after)}\0`, end: "v", limit }).map((key) => key.slice(1) as UserId);
  const members: UserId[] = [];
  for (let start = after === undefined ? "v" : `v${after}\x01`; members.length < limit; ) {
    const [key] = reader.keys({ start, end: "w", limit: 1 });
    if (key === undefined) break;
    const user = key.slice(1, key.indexOf("\0")) as UserId;
    members.push(user);
    start = `${changeKey(user).slice(0, -1)}\x01`;
  }
  return [...new Set([...profiles, ...members])].sort().slice(0, limit);
}

function creations(reader: Reader, after: CreationKey | undefined, limit: number): readonly CreationKey[] {
  const start = after === undefined ? "w" : `${creationKey(after.user, after.clientId)}\0`;
  return reader.records({ start, end: "x", limit }).map(([key, value]) => ({ ...creationOf(key), conversation: (value as readonly [ConversationId])[0] }));
}

/** Looks through all keys of the conversation: those of entries that are there are numbers. */
function leftKeys(reader: Reader, id: ConversationId, { after, limit }: { after: LeftKey | undefined; limit: number }): readonly LeftKey[] {
  const found: LeftKey[] = [];
  for (let start = after === undefined ? sendKeysOf(id) : `${sendKey(id, after.from, after.clientId)}\0`; found.length < limit; ) {
    const page = reader.records({ start, end: membersOf(id), limit: 1_000 });
    for (const [key, value] of page) if (typeof value !== "number") found.push({ ...sendKeyOf(key), key: storedKey(value as Exclude<SendKeyValue, number>) });
    const last = page.at(-1)?.[0];
    if (last === undefined) break;
    start = `${last}\0`;
  }
  return found.slice(0, limit);
}

function reactions(reader: Reader, id: ConversationId, target: number): readonly StandingReaction[] {
  const key = annotationKey(id, target);
  return reader.keys({ start: `${key}\0`, end: `${key}\x01` }).map(reactionOf);
}
