/** A process with some of the clients of a reconnect storm. */
import { readFileSync } from "node:fs";
import type { ConversationId, UserId } from "@suda/protocol";
import { answerParent, childArgument, signToken, WireClient, type ReadEntry } from "@suda/testing";
import { canonical } from "./compare-devices.ts";
import { HastyClient } from "./hasty-client.ts";
import { ReturningClient } from "./returning-client.ts";
import { compareWithLogs, type StormClient, type StormClientOptions } from "./storm-client.ts";

export interface StormClientsArgument {
  readonly url: string;
  readonly dataDirectory: string;
  /** File with a {@link StormClientsWorld}: too long for an argument. */
  readonly file: string;
}

export interface StormClientsWorld {
  readonly clients: readonly { readonly user: string; readonly localAddress: string; readonly rooms: readonly string[]; readonly isHasty: boolean }[];
}

export type StormClientsQuestion =
  /** All connect, in good order, and know everything. */
  | { readonly ask: "connect" }
  /** The server is about to be gone. */
  | { readonly ask: "hold" }
  /** File with the heads that each conversation has now. */
  | { readonly ask: "expect"; readonly heads: string }
  /** The server is there again. */
  | { readonly ask: "go" }
  | { readonly ask: "progress" }
  /** Each well-behaved client's records against those that a fresh one is told. */
  | { readonly ask: "compare-records" }
  /** File with the logs as they are in the store. */
  | { readonly ask: "compare-logs"; readonly logs: string };

export interface StormClientsAnswer {
  readonly resumed: number;
  /** Of those that are resumed. */
  readonly times: readonly { readonly isHasty: boolean; readonly resumedAtMs: number; readonly tookMs: number }[];
  readonly refusals: { readonly returning: Readonly<Record<string, number>>; readonly hasty: Readonly<Record<string, number>> };
  readonly found: readonly string[];
}

/** Connections that are made at once in good order. */
const lanes = 16;
/** More would say the same. */
const maxFound = 50;

const { url, dataDirectory, file } = childArgument() as StormClientsArgument;
const { clients: known } = JSON.parse(readFileSync(file, "utf8")) as StormClientsWorld;
const clients: { readonly client: StormClient; readonly options: StormClientOptions; readonly isHasty: boolean }[] = [];
const refusals = { returning: {} as Record<string, number>, hasty: {} as Record<string, number> };
let found: readonly string[] = [];

answerParent(async (given): Promise<StormClientsAnswer> => {
  const question = given as StormClientsQuestion;
  if (question.ask === "connect") await inLanes(known, connect);
  if (question.ask === "hold") for (const { client } of clients) client.hold();
  if (question.ask === "expect") expect(question.heads);
  if (question.ask === "go") for (const { client } of clients) client.go();
  found = [];
  if (question.ask === "compare-records") await compareRecords();
  if (question.ask === "compare-logs") compareLogs(question.logs);
  const resumed = clients.filter(({ client }) => client.resumedAtMs !== undefined);
  const times =
    question.ask === "compare-logs" ? resumed.map(({ client, isHasty }) => ({ isHasty, resumedAtMs: client.resumedAtMs ?? 0, tookMs: client.tookMs })) : [];
  return { resumed: resumed.length, times, refusals, found: found.slice(0, maxFound) };
});

async function connect({ user, localAddress, rooms, isHasty }: StormClientsWorld["clients"][number]): Promise<void> {
  const counts = isHasty ? refusals.hasty : refusals.returning;
  const options: StormClientOptions = {
    user: user as UserId,
    token: signToken(dataDirectory, user),
    url,
    localAddress,
    rooms: rooms as readonly ConversationId[],
    onRefused: (code) => (counts[code] = (counts[code] ?? 0) + 1),
  };
  const client = isHasty ? new HastyClient(options) : await ReturningClient.open(options);
  clients.push({ client, options, isHasty });
  await client.ready();
}

function expect(heads: string): void {
  const all = new Map(Object.entries(JSON.parse(readFileSync(heads, "utf8")) as Record<ConversationId, number>) as [ConversationId, number][]);
  for (const { client } of clients) client.expect(all);
}

/** Head, unread count, read mark, last event and all else, as `hello` names them to somebody who was never here. */
async function compareRecords(): Promise<void> {
  const differences: string[] = [];
  await inLanes(clients, async ({ client, options }) => {
    if (!(client instanceof ReturningClient)) return;
    const { token, localAddress, rooms, user } = options;
    await using fresh = await WireClient.open({ url, localAddress });
    const { conversations } = await fresh.request("hello", { token });
    const truth = new Map(conversations.map((record) => [record.id, canonical({ ...record, last: record.last?.seq })]));
    for (const room of rooms) {
      const { record } = client.client.conversation(room).getSnapshot();
      const shown = canonical({ ...record, last: record?.last?.seq });
      if (shown !== truth.get(room)) differences.push(`${user} has ${room} as ${shown}, a fresh client is told ${truth.get(room)}`);
    }
  });
  found = differences;
}

function compareLogs(path: string): void {
  const logs = JSON.parse(readFileSync(path, "utf8")) as Record<string, readonly ReadEntry[]>;
  found = clients.flatMap(({ client, options }) => [...compareWithLogs(client, options.rooms, logs), ...recount(client, options, logs)]);
}

/** What is unread, counted by hand. */
function recount(client: StormClient, { rooms, user }: StormClientOptions, logs: Readonly<Record<string, readonly ReadEntry[]>>): readonly string[] {
  if (!(client instanceof ReturningClient)) return [];
  return rooms.flatMap((room) => {
    const { unread, read } = client.client.conversation(room).getSnapshot();
    // Nothing but messages is written in a storm.
    const counted = (logs[room] ?? []).slice(read).filter(({ from }) => from !== user).length;
    return unread === counted ? [] : [`${user} in ${room}: ${unread} are unread, and a recount gives ${counted}`];
  });
}

async function inLanes<T>(values: readonly T[], work: (value: T) => Promise<void>): Promise<void> {
  const left = [...values].reverse();
  const lane = async (): Promise<void> => {
    for (let value = left.pop(); value !== undefined; value = left.pop()) await work(value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
