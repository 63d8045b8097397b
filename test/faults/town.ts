/**
 * Who lives in the long fault tests: users with one to three devices each, in direct conversations, groups of ten and one
 * group of all; what they do all day; and how the logs are read when they have stopped.
 */
import { ConnectionLost, OutboxFull, RequestRefused, type ClientConversation } from "@suda/client";
import type { LogEvent, UserId } from "@suda/protocol";
import { conversationPages, entryPages, type Store } from "@suda/server/store";
import { type LogReading, type SeededRandom, signToken, WireClient } from "@suda/testing";
import type { Device } from "./device.ts";
import { entryOf } from "./journal.ts";

export interface Inhabitant {
  readonly user: string;
  /** Names of their devices. */
  readonly devices: readonly string[];
  /** Ids of their conversations. */
  readonly rooms: string[];
}

export interface Town {
  readonly inhabitants: readonly Inhabitant[];
  readonly rooms: readonly string[];
}

const groupSize = 10;

/** Users for so many devices, and their conversations. */
export async function buildTown({ url, directory, devices }: { readonly url: string; readonly directory: string; readonly devices: number }): Promise<Town> {
  const inhabitants: Inhabitant[] = [];
  for (let index = 0, left = devices; left > 0; index++) {
    const user = `user-${String(index).padStart(3, "0")}`;
    const count = Math.min(left, (index % 3) + 1);
    inhabitants.push({ user, devices: Array.from({ length: count }, (_, device) => `${user}/${device}`), rooms: [] });
    left -= count;
  }
  await using mayor = await WireClient.open({ url, token: signToken(directory, "mayor") });
  const rooms: string[] = [];
  const settle = (id: string, members: readonly Inhabitant[]): void => {
    rooms.push(id);
    for (const { rooms: own } of members) own.push(id);
  };
  const group = async (title: string, members: readonly Inhabitant[]): Promise<void> => {
    const { conversation } = await mayor.request("conversation.create", { title, members: members.map(({ user }) => user as UserId) });
    settle(conversation.id, members);
  };
  for (let index = 0; index + 1 < inhabitants.length; index += 2) {
    const pair = inhabitants.slice(index, index + 2) as [Inhabitant, Inhabitant];
    await using first = await WireClient.open({ url, token: signToken(directory, pair[0].user) });
    settle((await first.request("conversation.open", { with: pair[1].user as UserId })).conversation.id, pair);
  }
  for (let index = 0; index < inhabitants.length; index += groupSize) await group(`모임 ${index / groupSize}`, inhabitants.slice(index, index + groupSize));
  await group("모두 👋", inhabitants);
  return { inhabitants, rooms };
}

/** One thing that a user does on one device. @returns how many messages were written */
export function live(device: Device, random: SeededRandom): number {
  const dice = random.float();
  // The larger a room the rarer, because each message there is many deliveries.
  const place = random.float();
  const room = device.rooms[Math.min(place < 0.6 ? 0 : place < 0.97 ? 1 : 2, device.rooms.length - 1)] as ClientConversation;
  if (dice < 0.7) return write(device, room, random);
  const { record, messages } = room.getSnapshot();
  if (dice < 0.85) room.markRead(Math.max(0, (record?.head ?? 0) - (random.isTrue(0.5) ? 0 : random.integer(0, 3))));
  else if (dice < 0.9) room.startTyping();
  else {
    const target = messages.findLast((one) => "seq" in one && (one.isMine || dice >= 0.94));
    if (target === undefined || !("seq" in target)) return 0;
    const about = { conversation: room.id, target: target.seq };
    const { client } = device;
    if (dice < 0.94) ask(client.request("message.edit", { ...about, content: { type: "text", text: `${device.name} 고침 ${random.integer(1, 1_000_000)}` } }));
    else ask(client.request(random.isTrue(0.7) ? "reaction.add" : "reaction.remove", { ...about, emoji: random.pick(["👍", "🎉", "❤️"]) }));
  }
  return 0;
}

let lastNumber = 0;

function write(device: Device, room: ClientConversation, random: SeededRandom): number {
  const count = random.isTrue(0.25) ? random.integer(2, 6) : 1;
  for (let index = 0; index < count; index++) {
    const padding = random.isTrue(0.03) ? "긴 글 ".repeat(random.integer(50, 400)) : "안녕하세요";
    try {
      device.write(room, `${device.name} ${++lastNumber} ${padding}`);
    } catch (error) {
      // Who has been cut off for long writes no more.
      if (error instanceof OutboxFull) return index;
      throw error;
    }
  }
  return count;
}

/** Asked once: on a bad link it may be lost, and two devices may ask for what the other has changed. */
function ask(request: Promise<unknown>): void {
  request.catch((error: unknown) => {
    if (!(error instanceof ConnectionLost || error instanceof RequestRefused)) throw error;
  });
}

/** Every log as the store has it: messages as they were written, whatever was edited since. */
export async function logsOf(store: Store): Promise<readonly LogReading[]> {
  const readings: LogReading[] = [];
  for await (const conversations of conversationPages(store.conversations))
    for (const conversation of conversations) {
      const entries: LogReading["entries"][number][] = [];
      for await (const page of entryPages(store.log, conversation))
        for (const { seq, at, from, clientId, body } of page) {
          const event = { conversation, seq, at, from, ...(clientId === undefined ? {} : { clientId }), ...body };
          entries.push(entryOf(event as LogEvent));
        }
      readings.push({ conversation, reader: "the store", entries });
    }
  return readings;
}
