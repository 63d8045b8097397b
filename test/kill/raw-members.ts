/**
 * The users of the kill test once more, over raw sockets and in both encodings: they repair nothing, so they see what the
 * clients would hide. They read the logs, watch live, and repeat what was acknowledged long ago, which no client does.
 */
import type { LogEvent } from "@suda/protocol";
import { signToken, WireClient, type LogReading, type SeededRandom } from "@suda/testing";
import { bodyOf, entryOf, type MemoryJournal } from "../faults/journal.ts";
import { clientOf, users, type Room, type World } from "./world.ts";

export type RawMembers = ReadonlyMap<string, WireClient>;

export interface ConnectOptions {
  readonly dataDirectory: string;
  readonly journal: MemoryJournal;
  /** Names the connections in the history. */
  readonly name: string;
}

/** One connection of every user, straight to the server. */
export async function connectMembers(url: string, { dataDirectory, journal, name }: ConnectOptions): Promise<RawMembers> {
  const clients = await Promise.all(
    users.map(async (user, index) => {
      const connection = `${user}#raw ${name}`;
      const onEvent = (event: object): void => {
        if (!("seq" in event)) return;
        const seen = event as LogEvent;
        journal.note({ step: "wire", record: { step: "observe", conversation: seen.conversation, observer: user, connection, entry: entryOf(seen) } });
      };
      return [user, await WireClient.open({ url, token: signToken(dataDirectory, user), encoding: index % 2 === 0 ? "json" : "msgpack", onEvent })] as const;
    }),
  );
  return new Map(clients);
}

/** Some stay and watch the next load; each of all would double it. */
export async function leaveButSome(members: RawMembers): Promise<void> {
  await Promise.all([...members.values()].filter((_, index) => index % 5 !== 0).map((client) => client[Symbol.asyncDispose]()));
}

/** A log as it was read, with what the messages said. */
export interface RawReading extends LogReading {
  readonly events: readonly LogEvent[];
}

/** The whole log of every room as some of its members read it: the first, the last, one from the middle. */
export async function readLogs(members: RawMembers, world: World, readerCount: number): Promise<readonly RawReading[]> {
  const readings = world.rooms.flatMap((room) => {
    const readers = new Set([room.members[0], room.members.at(-1), room.members[room.members.length >> 1]] as string[]);
    return [...readers].slice(0, readerCount).map((reader) => readLog(clientOf(members, reader), reader, room));
  });
  return Promise.all(readings);
}

async function readLog(client: WireClient, reader: string, room: Room): Promise<RawReading> {
  const events: LogEvent[] = [];
  for (let isMore = true; isMore; ) {
    const page = await client.request("history.get", { conversation: room.id as never, after: events.length, limit: 200 });
    events.push(...page.events);
    if (page.more && page.events.length === 0) throw new Error(`${room.id}: an empty page says that there is more.`);
    isMore = page.more;
  }
  return { conversation: room.id, reader, events, entries: events.map(entryOf) };
}

export interface RepeatOptions extends Pick<ConnectOptions, "journal" | "name"> {
  readonly logs: readonly RawReading[];
  readonly random: SeededRandom;
}

/** Sends again what is in the logs, with its clientId: it must be found at the seq that it has. */
export async function repeatSome(members: RawMembers, { logs, random, journal, name }: RepeatOptions): Promise<void> {
  const messages = logs.flatMap(({ events }) => events.filter((event) => event.type === "message.created"));
  for (let count = Math.min(20, messages.length); count > 0; count--) {
    const { conversation, from, clientId, content } = random.pick(messages);
    if (content.type !== "text") continue;
    const key = { conversation, from, clientId, connection: `${from}#raw ${name}` };
    journal.note({ step: "wire", record: { step: "invoke", ...key, body: bodyOf(content) } });
    const { seq, duplicate } = await clientOf(members, from).request("message.send", { conversation, clientId, content });
    journal.note({ step: "wire", record: { step: "ok", ...key, seq, duplicate: duplicate === true } });
  }
}
