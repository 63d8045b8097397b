/**
 * Rounds of: load, kill -9 at a random moment, restart on the same data, retry what had no answer, read all
 * logs back as several members, check. The promise is A1, A3, A4 and A5 of the reliability table: whatever
 * moment the process dies at, every acknowledged message is there once, seqs are dense, all read one order,
 * and nothing that a member saw is missing.
 *
 * A data directory serves a few rounds (a life), so that later rounds check what earlier crashes left behind. After
 * the last one the whole store is checked as `suda verify` does.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkHistory,
  SeededRandom,
  ServerProcess,
  signToken,
  WireClient,
  writeTokenKey,
  type LogReading,
  type ReadEntry,
  type ServerProcessOptions,
  type Violation,
} from "@suda/testing";
import { verifyStore, type Finding } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import { Recorder, entryOf } from "./recorder.ts";
import { clientOf, createWorld, pickRoom, pickText, users, type Room, type World } from "./world.ts";

export interface KillRunOptions {
  /** How to start the server on a data directory. */
  readonly server: (dataDirectory: string) => ServerProcessOptions;
  readonly rounds: number;
  readonly seed: number;
  /** Rounds on one data directory; 5 by default. */
  readonly roundsPerLife?: number;
  /** Ends after the first round with violations; for planted bugs. */
  readonly stopAtViolation?: boolean;
  readonly onRound?: (round: RoundReport) => void;
}

export interface RoundReport {
  readonly round: number;
  /** From the beginning of the load. */
  readonly killedAfterMs: number;
  /** Starts that were killed before the one that was left alone. */
  readonly killedStarts: number;
  readonly startMs: number;
  /** Of this round, before the kill. */
  readonly acked: number;
  /** Of this round, after the restart: sends that had no answer. */
  readonly retried: number;
  /** Of this life so far. */
  readonly observed: number;
  readonly entries: number;
  readonly violations: readonly Violation[];
}

export interface KillRunReport {
  readonly seed: number;
  readonly rounds: readonly RoundReport[];
  readonly violations: readonly Violation[];
  /** Of the stores at the end of their lives. */
  readonly findings: readonly Finding[];
}

export async function runKillRounds(options: KillRunOptions): Promise<KillRunReport> {
  const random = new SeededRandom(options.seed);
  const rounds: RoundReport[] = [];
  const findings: Finding[] = [];
  while (rounds.length < options.rounds) {
    const count = Math.min(options.roundsPerLife ?? 5, options.rounds - rounds.length);
    for await (const report of runLife({ ...options, random: random.fork(), firstRound: rounds.length + 1, rounds: count, findings })) {
      rounds.push(report);
      options.onRound?.(report);
      if (options.stopAtViolation === true && report.violations.length > 0) return summary(options.seed, rounds, findings);
    }
  }
  return summary(options.seed, rounds, findings);
}

function summary(seed: number, rounds: readonly RoundReport[], findings: readonly Finding[]): KillRunReport {
  return { seed, rounds, violations: rounds.flatMap(({ violations }) => violations), findings };
}

interface LifeOptions extends KillRunOptions {
  readonly random: SeededRandom;
  readonly firstRound: number;
  readonly findings: Finding[];
}

async function* runLife({ server, random, firstRound, rounds, findings }: LifeOptions): AsyncGenerator<RoundReport> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "suda-kill-"));
  writeTokenKey(dataDirectory);
  const recorder = new Recorder();
  let process = await ServerProcess.open(server(dataDirectory));
  try {
    let session = await connectAll(process.url, { dataDirectory, recorder, name: "0" });
    const world = await createWorld(session.clients);
    let earlierLogs: readonly LogReading[] = [];
    for (let round = firstRound; round < firstRound + rounds; round++) {
      const killedAfterMs = random.integer(50, 900);
      const ackedBefore = recorder.acked.length;
      await loadUntilKilled({ process, session, world, recorder, random, killedAfterMs });
      const acked = recorder.acked.length - ackedBefore;
      const killedStarts = random.isTrue(0.2) ? random.integer(1, 2) : 0;
      for (let i = 0; i < killedStarts; i++) await ServerProcess.startAndKill(server(dataDirectory), random.integer(100, 900));
      const startedAt = performance.now();
      process = await ServerProcess.open(server(dataDirectory));
      const startMs = Math.round(performance.now() - startedAt);
      session = await connectAll(process.url, { dataDirectory, recorder, name: String(round) });
      // Before the retries, which would put back what was lost.
      const found = await readLogs(session.clients, world, 1);
      const lost = checkHistory({ history: recorder.history, logs: found, earlierLogs });
      const retried = await retryUnanswered({ session, recorder, random });
      const logs = await readLogs(session.clients, world, 3);
      yield {
        round,
        killedAfterMs,
        killedStarts,
        startMs,
        acked,
        retried,
        observed: recorder.history.filter(({ step }) => step === "observe").length,
        entries: world.rooms.reduce((sum, { id }) => sum + (logs.find(({ conversation }) => conversation === id)?.entries.length ?? 0), 0),
        violations: [...lost, ...checkHistory({ history: recorder.history, logs, earlierLogs: found })],
      };
      earlierLogs = logs;
    }
    await process.kill();
    await using store = await openLmdbStore({ directory: dataDirectory });
    await verifyStore(store, (finding) => findings.push(finding));
  } finally {
    await process.kill();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

/** One connection of every user to one process. */
interface Session {
  readonly clients: ReadonlyMap<string, WireClient>;
  /** Names the connections in the history. */
  readonly name: string;
}

async function connectAll(url: string, options: { dataDirectory: string; recorder: Recorder; name: string }): Promise<Session> {
  const { dataDirectory, recorder, name } = options;
  const clients = await Promise.all(
    users.map(async (user, index) => {
      const token = signToken(dataDirectory, user);
      const onEvent = recorder.observe.bind(recorder, user, `${user}#${name}`);
      return [user, await WireClient.open({ url, token, encoding: index % 2 === 0 ? "json" : "msgpack", onEvent })] as const;
    }),
  );
  return { clients: new Map(clients), name };
}

interface LoadOptions {
  readonly process: ServerProcess;
  readonly session: Session;
  readonly world: World;
  readonly recorder: Recorder;
  readonly random: SeededRandom;
  readonly killedAfterMs: number;
}

async function loadUntilKilled(options: LoadOptions): Promise<void> {
  const { process, session, random, killedAfterMs } = options;
  const senders = users.map((user) => sendUntilEnd({ ...options, user, random: random.fork() }));
  await new Promise((resolve) => setTimeout(resolve, killedAfterMs));
  await process.kill();
  await Promise.all(senders);
  await Promise.all([...session.clients.values()].map((client) => client.closed));
}

async function sendUntilEnd({ session, world, recorder, random, user }: LoadOptions & { user: string }): Promise<void> {
  const client = clientOf(session.clients, user);
  const rooms = world.roomsOf.get(user) ?? [];
  const connection = `${user}#${session.name}`;
  while (client.isOpen) {
    // Three at once now and then, so that the order within a connection is tested too.
    const burst = Array.from({ length: random.isTrue(0.3) ? 3 : 1 }, () => recorder.newMessage(pickRoom(rooms, random).id, user, pickText(random)));
    await Promise.all(burst.map((message) => recorder.send(client, connection, message)));
  }
}

/** Every send without an answer again, with its clientId; and a few that were acknowledged, which must find their first seq. */
async function retryUnanswered({ session, recorder, random }: { session: Session; recorder: Recorder; random: SeededRandom }): Promise<number> {
  const again = [...recorder.unanswered.values()];
  const acked = Array.from({ length: Math.min(20, recorder.acked.length) }, () => random.pick(recorder.acked));
  const send = async (message: Parameters<Recorder["send"]>[2]): Promise<void> => {
    const client = clientOf(session.clients, message.from);
    if (!(await recorder.send(client, `${message.from}#${session.name}`, message)))
      throw new Error(
        `A retry after the restart was not acknowledged: ${JSON.stringify([...recorder.refusals])}, connection ${client.isOpen ? "open" : "ended"}`,
      );
  };
  // In another order than the first time, as users would.
  await Promise.all(shuffle([...again, ...acked], random).map(send));
  return again.length;
}

function shuffle<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  return items
    .map((item) => ({ item, at: random.float() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The whole log of every room as some of its members read it: the first, the last, one from the middle. */
async function readLogs(clients: ReadonlyMap<string, WireClient>, world: World, readerCount: number): Promise<LogReading[]> {
  const readings = world.rooms.flatMap((room) => {
    const { members } = room;
    const readers = new Set([members[0], members.at(-1), members[members.length >> 1]] as string[]);
    return [...readers].slice(0, readerCount).map((reader) => readLog(clientOf(clients, reader), reader, room));
  });
  return Promise.all(readings);
}

async function readLog(client: WireClient, reader: string, room: Room): Promise<LogReading> {
  const entries: ReadEntry[] = [];
  for (let isMore = true; isMore; ) {
    const page = await client.request("history.get", { conversation: room.id as never, after: entries.length, limit: 200 });
    entries.push(...page.events.map(entryOf));
    if (page.more && page.events.length === 0) throw new Error(`${room.id}: an empty page says that there is more.`);
    isMore = page.more;
  }
  return { conversation: room.id, reader, entries };
}
