/**
 * Who talks to whom in the kill test: 32 users in direct and group conversations. The load is theirs, and
 * each of them observes all of their conversations.
 */
import { type SeededRandom, type WireClient } from "@suda/testing";

export const userCount = 32;
export const users: readonly string[] = Array.from({ length: userCount }, (_, index) => `user-${String(index).padStart(2, "0")}`);

/** A conversation with those who are in it. */
export interface Room {
  readonly id: string;
  readonly members: readonly string[];
}

export interface World {
  readonly rooms: readonly Room[];
  /** What a user may write to; the direct one is first. */
  readonly roomsOf: ReadonlyMap<string, readonly Room[]>;
}

/** Opens 16 direct conversations and creates two groups of 16 and one of all. */
export async function createWorld(clients: ReadonlyMap<string, WireClient>): Promise<World> {
  const rooms: Room[] = [];
  for (let i = 0; i < userCount; i += 2) rooms.push(await openDirect(clients, users.slice(i, i + 2)));
  for (let i = 0; i < userCount; i += 16) rooms.push(await createGroup(clients, `팀 ${i / 16}`, users.slice(i, i + 16)));
  rooms.push(await createGroup(clients, "모두 👋", users));
  return { rooms, roomsOf: new Map(users.map((user) => [user, rooms.filter(({ members }) => members.includes(user))])) };
}

/** Mostly to the direct conversation; the larger a room the rarer, because each message there is many deliveries. */
export function pickRoom(rooms: readonly Room[], random: SeededRandom): Room {
  const dice = random.float();
  return rooms[dice < 0.65 ? 0 : dice < 0.93 ? 1 : 2] as Room;
}

export function pickText(random: SeededRandom): string {
  const text = random.pick(["안녕하세요 👋", "네, 확인했습니다.", "see you at 3", "👨‍👩‍👧‍👦", "긴 글 "]);
  return text.repeat(random.isTrue(0.05) ? random.integer(100, 350) : random.integer(1, 12));
}

async function openDirect(clients: ReadonlyMap<string, WireClient>, members: readonly string[]): Promise<Room> {
  const [first, second] = members as [string, string];
  const { conversation } = await clientOf(clients, first).request("conversation.open", { with: second as never });
  return { id: conversation.id, members };
}

async function createGroup(clients: ReadonlyMap<string, WireClient>, title: string, members: readonly string[]): Promise<Room> {
  const [owner, ...others] = members as [string, ...string[]];
  const { conversation } = await clientOf(clients, owner).request("conversation.create", { title, members: others as never[] });
  return { id: conversation.id, members };
}

export function clientOf(clients: ReadonlyMap<string, WireClient>, user: string): WireClient {
  const client = clients.get(user);
  if (client === undefined) throw new RangeError(`There is no client of ${user}.`);
  return client;
}
