/** Whatever the network and the server do, in the end the client shows the log, and told each event once, in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, SeededRandom } from "@suda/testing";
import fc from "fast-check";
import { openClient, type ClientConversation, type SudaClient } from "../src/index.ts";
import { room } from "./frames.ts";
import { ModelServer } from "./model-server.ts";
import { settle } from "./waiting.ts";

interface World {
  readonly server: ModelServer;
  readonly clock: ManualClock;
  readonly client: SudaClient;
  readonly chat: ClientConversation;
  readonly sent: string[];
}

type Step = (world: World) => unknown;
const small = fc.integer({ min: 1, max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: small.map(
      (count): Step =>
        ({ server }) =>
          Array.from({ length: count }, () => server.append()),
    ),
  },
  {
    weight: 6,
    arbitrary: small.map(
      (index): Step =>
        ({ server }) =>
          server.deliver(index % 4),
    ),
  },
  {
    weight: 6,
    arbitrary: small.map(
      (count): Step =>
        async ({ server }) => {
          for (let n = 0; n < count; n++) {
            server.deliver();
            await Promise.resolve();
          }
        },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("lose", "repeat").map(
      (how): Step =>
        ({ server }) =>
          server.disturb(how),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>(({ server }) => server.lag()) },
  { weight: 2, arbitrary: fc.constant<Step>(({ server }) => server.break()) },
  {
    weight: 2,
    arbitrary: small.map(
      (seconds): Step =>
        ({ clock }) =>
          clock.advance(seconds * 1_000),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>(({ chat, sent }) => sent.push(chat.sendText(`mine ${sent.length}`).clientId)) },
  { weight: 1, arbitrary: fc.constant<Step>(({ chat }) => void chat.loadOlder().catch(() => {})) },
  {
    weight: 1,
    arbitrary: small.map(
      (count): Step =>
        ({ server }) =>
          server.cut(count % 5),
    ),
  },
  {
    weight: 1,
    arbitrary: small.map(
      (length): Step =>
        ({ server }) =>
          server.replace(length),
    ),
  },
);

/** Nothing is lost any more, until there is a connection and nothing happens on it for some seconds. */
async function heal({ server, clock, client }: World): Promise<void> {
  for (let quiet = 0, turn = 0; quiet < 5; turn++) {
    assert.ok(turn < 5_000, "it never becomes quiet");
    await settle();
    if (server.pendingFrames > 0) {
      quiet = 0;
      server.deliver();
    } else {
      quiet = client.connection.getSnapshot().kind === "open" ? quiet + 1 : 0;
      clock.advance(1_000);
    }
  }
}

test("[D3] [D4] [D5] [D7] after any faults the client shows exactly the log, and its own messages are in it once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 30 }), fc.array(step, { maxLength: 50 }), async (length, steps) => {
      const server = new ModelServer();
      for (let n = 0; n < length; n++) server.append();
      const clock = new ManualClock();
      const problems: unknown[] = [];
      const options = { url: "ws://model.test/", tokenProvider: () => "token", transport: server.transport, clock, random: new SeededRandom(length) };
      const client = await openClient({ ...options, onProblem: (problem) => problems.push(problem) });
      const told = new Map<number, number[]>([[0, []]]);
      let reading = 0;
      const gaps: number[] = [];
      client.on("event", ({ seq }) => told.get(reading)?.push(seq));
      client.on("log.reset", () => told.set(++reading, []));
      client.on("log.truncated", ({ from }) => gaps.push(from));
      const chat = client.conversation(room);
      chat.subscribe(() => {});
      const world = { server, clock, client, chat, sent: [] };
      for (const one of steps) {
        await one(world);
        await settle();
      }
      // One more event shows what was lost before it.
      await heal(world);
      server.append();
      await heal(world);

      const { events, messages, status } = chat.getSnapshot();
      assert.deepEqual(problems, []);
      assert.equal(status, "ready");
      assert.deepEqual(events, server.all.slice(server.all.length - events.length));
      assert.equal(events.at(-1)?.seq, server.head);
      for (const seqs of told.values())
        for (const [index, seq] of seqs.entries()) {
          const before = seqs[index - 1];
          assert.ok(before === undefined || seq === before + 1 || (seq > before && gaps.includes(seq)), `told ${seqs.join(" ")}`);
        }
      const mine = server.all.flatMap(({ clientId }) => (world.sent.includes(clientId as never) ? [clientId as string] : []));
      // A log that was replaced or cut has lost what was in it; what is there is there once, in the order of writing.
      assert.deepEqual(
        mine,
        world.sent.filter((clientId) => mine.includes(clientId)),
      );
      assert.equal(messages.length, events.length, "nothing is on its way any more");
      await client[Symbol.asyncDispose]();
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});
