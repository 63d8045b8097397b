/**
 * Who is in a reconnect storm: users with the same number of conversations each, most of them direct or in groups of 3 to 50, and
 * one in a group of 500; all with some history, which everybody has read. Written into the store before the server begins.
 */
import { randomBytes } from "node:crypto";
import { newGroupId, type ClientId, type ConversationId, type UserId } from "@suda/protocol";
import type { Store } from "@suda/server/store";
import type { SeededRandom } from "@suda/testing";

export interface StormRoom {
  readonly id: ConversationId;
  readonly members: readonly UserId[];
}

export interface StormUser {
  readonly user: UserId;
  /** The first is the great group; everybody is in one. */
  readonly rooms: ConversationId[];
}

export interface StormWorld {
  readonly users: readonly StormUser[];
  readonly rooms: readonly StormRoom[];
  /** Two users who are no clients of the storm, and their conversation. */
  readonly bystanders: StormRoom;
}

export interface StormWorldOptions {
  readonly clients: number;
  /** Of each user, 3…400. */
  readonly conversations: number;
  readonly random: SeededRandom;
}

const greatGroupSize = 500;
const groupSizes = [3, 4, 5, 8, 12, 20, 50] as const;
/** Of the conversations of a user, those with one other. */
const directShare = 0.4;
/** Conversations that are written at once: enough for group commit. */
const lanes = 64;

export async function buildStormWorld(store: Store, { clients, conversations, random }: StormWorldOptions): Promise<StormWorld> {
  if (conversations < 3 || conversations > 400) throw new RangeError(`Conversations of each user are 3…400, not ${conversations}.`);
  // Neighbours at each distance are in a direct conversation; with fewer users they would be so twice.
  const distances = Math.floor((conversations * directShare) / 2);
  if (clients < Math.max(3, 2 * distances + 1)) throw new RangeError(`With ${conversations} conversations there must be ${2 * distances + 1} clients or more.`);
  const users: StormUser[] = Array.from({ length: clients }, (_, index) => ({ user: `user-${index}` as UserId, rooms: [] }));
  const rooms: StormRoom[] = [];
  const settle = (members: readonly StormUser[]): void => {
    const id = newGroupId(Date.now(), random.bytes(10));
    rooms.push({ id, members: members.map(({ user }) => user) });
    for (const member of members) member.rooms.push(id);
  };
  for (let first = 0; first < clients; first += greatGroupSize) settle(users.slice(first, first + greatGroupSize));
  for (let distance = 1; distance <= distances; distance++)
    for (const [index, user] of users.entries()) settle([user, users[(index + distance) % clients] as StormUser]);
  for (let round = 0; round < conversations - 1 - 2 * distances; round++) {
    const order = shuffled(users, random);
    while (order.length > 0) settle(order.splice(0, random.pick(groupSizes)));
  }
  const bystanders: StormRoom = { id: newGroupId(Date.now(), random.bytes(10)), members: ["bystander" as UserId, "friend" as UserId] };
  await store.users.ensure([...users.map(({ user }) => user), ...bystanders.members], Date.now());
  const all = [...rooms, bystanders];
  const write = async (): Promise<void> => {
    for (let room = all.pop(); room !== undefined; room = all.pop()) await found(store, room, random);
  };
  await Promise.all(Array.from({ length: lanes }, write));
  return { users, rooms, bystanders };
}

async function found(store: Store, { id, members }: StormRoom, random: SeededRandom): Promise<void> {
  // Direct ones are made as groups of two: their ids follow from a hash that only the server makes.
  await store.conversations.create({
    id,
    kind: "group",
    epoch: randomBytes(8).toString("hex"),
    createdAt: Date.now(),
    title: `모임 ${members.length}`,
    members: members.map((user, index) => ({ user, role: index === 0 ? "owner" : "member" })),
  });
  const head = members.length === 2 ? random.integer(1, 8) : random.integer(5, 30);
  await store.log.append(
    id,
    Array.from({ length: head }, (_, index) => ({
      from: random.pick(members),
      clientId: `history-${index}` as ClientId,
      body: { type: "message.created", content: { type: "text", text: textOf(random) } },
    })),
  );
  // All have read it: what clients tell of marks in the storm is of the storm.
  await Promise.all(members.map((user) => store.conversations.advanceRead(id, user, head)));
}

/** As people write: 10 to 200 characters. */
export function textOf(random: SeededRandom): string {
  return "오늘 저녁에 시간 괜찮으세요? ".repeat(13).slice(0, random.integer(10, 200));
}

function shuffled<T>(values: readonly T[], random: SeededRandom): T[] {
  const order = [...values];
  for (let index = order.length - 1; index > 0; index--) {
    const other = random.integer(0, index);
    [order[index], order[other]] = [order[other] as T, order[index] as T];
  }
  return order;
}
