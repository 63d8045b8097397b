/** Whether every device shows what a device that never was here before is told now (A8), and unread counts are a recount. */
import { openClient, type ClientConversation, type SudaClient } from "@suda/client";
import { signToken } from "@suda/testing";
import { WebSocket } from "ws";
import type { Device } from "./device.ts";

export interface CompareOptions {
  /** The server itself, with no bad link before it. */
  readonly url: string;
  readonly directory: string;
  readonly devices: readonly Device[];
}

/** What differs, in words; empty when all agree. */
export async function compareDevices({ url, directory, devices }: CompareOptions): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const user of new Set(devices.map((device) => device.user))) {
    const token = signToken(directory, user);
    await using fresh = await openClient({ url: `${url.replace("http", "ws")}/v1/socket`, tokenProvider: () => token, WebSocket });
    await fresh.ready();
    for (const device of devices) if (device.user === user) differences.push(...(await compareDevice(device, fresh)));
  }
  return differences;
}

async function compareDevice(device: Device, fresh: SudaClient): Promise<readonly string[]> {
  const differences: string[] = [];
  const shown = idsOf(device.client);
  const wanted = idsOf(fresh);
  if (shown !== wanted) differences.push(`${device.name} lists ${shown}, a fresh client ${wanted}`);
  for (const room of device.rooms) {
    const own = fresh.conversation(room.id);
    await own.load();
    const from = firstCompared(device, room, own);
    while ((own.getSnapshot().events[0]?.seq ?? 0) > from && (await own.loadOlder()));
    const difference = compareRoom(device, room, own);
    if (difference !== undefined) differences.push(`${device.name} in ${room.id}: ${difference}`);
  }
  return differences;
}

/** The seq from which a fresh client's entries say something: what the device holds, and what is unread. */
function firstCompared({ isFollowing }: Device, shown: ClientConversation, fresh: ClientConversation): number {
  const held = isFollowing ? (shown.getSnapshot().events[0]?.seq ?? 0) : Number.POSITIVE_INFINITY;
  return Math.min(held, fresh.getSnapshot().read + 1);
}

function compareRoom({ user, isFollowing }: Device, shown: ClientConversation, fresh: ClientConversation): string | undefined {
  const mine = shown.getSnapshot();
  const truth = fresh.getSnapshot();
  if (mine.status !== (isFollowing ? "ready" : "loading") || truth.status !== "ready") return `it is ${mine.status}, for a fresh client ${truth.status}`;
  const records = [mine.record, truth.record].map((record) => canonical({ ...record, last: record?.last?.seq }));
  if (records[0] !== records[1]) return `the record is ${records[0]}, a fresh one ${records[1]}`;
  const recount = truth.events.filter((event) => event.type === "message.created" && event.seq > truth.read && event.from !== user).length;
  if (truth.unread !== recount) return `${truth.unread} are unread, and a recount after seq ${truth.read} gives ${recount}`;
  if (!isFollowing) return undefined;
  const first = mine.events[0]?.seq ?? 0;
  const known = truth.events.filter(({ seq }) => seq >= first);
  if (mine.events.length !== known.length) return `${mine.events.length} entries from seq ${first}, a fresh client has ${known.length}`;
  for (const [index, event] of mine.events.entries())
    if (canonical(event) !== canonical(known[index]))
      return `seq ${event.seq} is shown as ${canonical(event)}, to a fresh client as ${canonical(known[index])}`;
  return undefined;
}

function idsOf(client: SudaClient): string {
  return client.conversations
    .getSnapshot()
    .conversations.map(({ id }) => id)
    .toSorted()
    .join(" ");
}

/** JSON with sorted keys: fields may come in any order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
