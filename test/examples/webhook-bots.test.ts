/**
 * Bots behind webhooks, against the real server process: examples/bot-in-python, which must get along with Python's standard
 * library, and a bot of @suda/bot. Without Python the first is skipped, and fails with REQUIRE_PYTHON=1.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createBot, nodeListener } from "@suda/bot";
import type { ConversationId, Event, LogEvent } from "@suda/protocol";
import { freePort, ServerProcess, signToken, WireClient, writeTokenKey } from "@suda/testing";

const program = fileURLToPath(new URL("../../examples/bot-in-python/bot.py", import.meta.url));
const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
const python = ["/usr/bin/python3", "python3"].find(canRun);
const skip = python === undefined && process.env["REQUIRE_PYTHON"] !== "1" ? "python3 is not installed" : false;

type Created = Extract<LogEvent, { type: "message.created" }>;

test("the Python bot asks, judges a tap with a toast and a message, and asks on", { skip, timeout: 60_000 }, async () => {
  await using world = await World.open();
  await using quiz = await PythonBot.open(await world.register("quiz", await freePort()));
  await using alice = await world.talk("alice", "quiz");
  await alice.say("사과");
  equal(textOf(await alice.answer()), "사과 = apple");
  await alice.say("hello?");
  match(textOf(await alice.answer()), /퀴즈/);
  await alice.say("퀴즈!");
  const question = await alice.answer();
  const word = /‘(.+)’\?/.exec(textOf(question))?.[1] ?? "";
  equal(question.quickReplies?.length, 3);
  const actions = question.quickReplies?.map(({ action }) => action) ?? [];
  // Some answer: whether it is the right one is for the bot to say, and the dictionary of the bot to check.
  await alice.tap(question.seq, actions[0]?.id ?? "");
  const verdict = textOf(await alice.answer());
  const next = await alice.answer();
  match(textOf(next), /‘.+’\?/);
  const toast = await alice.toast();
  await alice.say(word);
  const meaning = textOf(await alice.answer()).split(" = ")[1] ?? "";
  const isRight = actions[0]?.id === meaning;
  deepEqual({ toast, verdict }, isRight ? { toast: "맞았어요!", verdict: `${word} = ${meaning} ⭐` } : { toast: "아쉬워요.", verdict: `${word} = ${meaning}` });
  ok(actions.some(({ id }) => id === meaning));
  // No request of anybody else's is believed, and the bot goes on.
  equal((await fetch(quiz.url, { method: "POST", body: "{}" })).status, 401);
  equal(
    (await fetch(quiz.url, { method: "POST", body: "{}", headers: { "webhook-id": "d_1", "webhook-timestamp": "0", "webhook-signature": "v1,AAAA" } })).status,
    401,
  );
  equal(await quiz.stop(), 0);
});

test("what was said while the Python bot and the server were down is answered once, in order", { skip, timeout: 90_000 }, async () => {
  await using world = await World.open();
  const registered = await world.register("quiz", await freePort());
  {
    await using quiz = await PythonBot.open(registered);
    await using alice = await world.talk("alice", "quiz");
    await alice.say("바다");
    equal(textOf(await alice.answer()), "바다 = sea");
    await quiz.kill();
    await alice.say("친구");
    await alice.say("시간");
  }
  await world.restart();
  await using quiz = await PythonBot.open(registered);
  await using alice = await world.talk("alice", "quiz");
  const answers = await alice.history(6);
  deepEqual(
    answers.flatMap(({ from, content }) => (from === "quiz" && content.type === "text" ? [content.text] : [])),
    ["바다 = sea", "친구 = friend", "시간 = time"],
  );
  await alice.say("학교");
  equal(textOf(await alice.answer()), "학교 = school");
  equal(await quiz.stop(), 0);
});

test("a bot of @suda/bot behind a webhook has messages and taps, and speaks in the response or by the API", { timeout: 60_000 }, async () => {
  await using world = await World.open();
  for (const speaks of ["in the response", "by the API"] as const) {
    const name = speaks === "by the API" ? "caller" : "answerer";
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { secret } = await world.register(name, (server.address() as AddressInfo).port);
      await using bot = createBot({
        ...(speaks === "by the API" ? { url: world.url, token: world.tokenOf(name, { bot: true }) } : {}),
        webhook: { secrets: [secret] },
      });
      bot.on("message", async (ctx) => {
        const yes = { type: "postback", id: "yes", label: "네", data: { n: ctx.text.length }, once: true } as const;
        const no = { type: "postback", id: "no", label: "아니요" } as const;
        await ctx.reply({ content: { type: "confirm", text: `${ctx.text}?`, actions: [yes, no] }, altText: "네 / 아니요" });
      });
      bot.action("yes", async (ctx) => {
        await ctx.toast("고마워요");
        await ctx.reply(`yes ${JSON.stringify(ctx.data)}`);
      });
      server.on("request", nodeListener(bot.fetch));
      await using alice = await world.talk("alice", name);
      await alice.say("정말");
      const asked = await alice.answer();
      equal(asked.content.type === "confirm" && asked.content.text, "정말?");
      await alice.tap(asked.seq, "yes");
      equal(textOf(await alice.answer()), 'yes {"n":2}');
      equal(await alice.toast(), "고마워요");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
});

function canRun(name: string): boolean {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function textOf({ content }: Created): string {
  return content.type === "text" ? content.text : `(${content.type})`;
}

interface Registered {
  readonly port: number;
  readonly secret: string;
}

/** A server process that may call loopback, and an API key of it. */
class World implements AsyncDisposable {
  readonly #apiKey = randomBytes(24).toString("base64url");
  readonly #directory: string;
  #server: ServerProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), "suda-webhook-bots-"));
    writeTokenKey(directory);
    const world = new World(directory);
    await world.#start();
    return world;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  tokenOf(user: string, claims: object = {}): string {
    return signToken(this.#directory, user, claims);
  }

  async register(bot: string, port: number): Promise<Registered> {
    await this.#put(`/v1/bots/${bot}`, {});
    const { secret } = await this.#put<{ secret: string }>(`/v1/bots/${bot}/webhook`, { url: `http://127.0.0.1:${port}/` });
    return { port, secret };
  }

  async talk(user: string, bot: string): Promise<Talk> {
    return Talk.open(this.url, this.tokenOf(user), bot);
  }

  /** `kill -9`, and again on the same data. */
  async restart(): Promise<void> {
    await this.#server?.kill();
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const options = ["--port", "0", "--data", this.#directory, "--log-level", "error", "--outgoing-allow", "127.0.0.1"];
    this.#server = await ServerProcess.open({ program: [command, "serve", ...options], env: { SUDA_API_KEYS: `test:${this.#apiKey}` } });
  }

  async #put<Answer>(path: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.#apiKey}`, "content-type": "application/json" };
    const response = await fetch(`${this.url}${path}`, { method: "PUT", headers, body: JSON.stringify(body) });
    equal(response.ok, true, `PUT ${path} was answered ${response.status}`);
    return (await response.json()) as Answer;
  }
}

/** One user in a direct conversation with a bot. */
class Talk implements AsyncDisposable {
  readonly #client: WireClient;
  readonly #conversation: ConversationId;
  readonly #events: Event[];
  readonly #bot: string;
  #seen = 0;

  private constructor(client: WireClient, parts: { conversation: ConversationId; events: Event[]; bot: string }) {
    this.#client = client;
    this.#conversation = parts.conversation;
    this.#events = parts.events;
    this.#bot = parts.bot;
  }

  static async open(url: string, token: string, bot: string): Promise<Talk> {
    const events: Event[] = [];
    const client = await WireClient.open({ url, token, onEvent: (event) => void events.push(event) });
    const { conversation } = await client.request("conversation.open", { with: bot as never });
    return new Talk(client, { conversation: conversation.id, events, bot });
  }

  async say(text: string): Promise<void> {
    const clientId = randomBytes(8).toString("hex");
    await this.#client.request("message.send", { conversation: this.#conversation, clientId: clientId as never, content: { type: "text", text } });
  }

  async tap(target: number, action: string): Promise<void> {
    await this.#client.request("interaction.tap", { conversation: this.#conversation, target, action, clientId: `tap-${target}` as never });
  }

  /** The bot's next message. */
  async answer(): Promise<Created> {
    const isNext = (event: Event): event is Created => event.type === "message.created" && event.from === this.#bot && event.seq > this.#seen;
    const next = await this.#until(() => this.#events.find(isNext));
    this.#seen = next.seq;
    return next;
  }

  toast(): Promise<string> {
    return this.#until(() => this.#events.find((event) => event.type === "interaction.answered")?.toast);
  }

  /** So many messages of the log, from its beginning. */
  async history(count: number): Promise<readonly Created[]> {
    for (let tries = 0; tries < 400; tries++) {
      const { events } = await this.#client.request("history.get", { conversation: this.#conversation, after: 0, limit: 200 });
      const messages = events.filter((event): event is Created => event.type === "message.created");
      this.#seen = events.at(-1)?.seq ?? 0;
      if (messages.length >= count) return messages;
      await sleep(50);
    }
    throw new Error(`There are no ${count} messages.`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  /** @throws after twenty seconds, long before the test's own time-out, which would leave the processes behind */
  async #until<Found>(look: () => Found | undefined): Promise<Found> {
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 10) {
      const found = look();
      if (found !== undefined) return found;
      await sleep(10);
    }
    throw new Error(`Nothing came; the last events are ${JSON.stringify(this.#events.slice(-5))}.`);
  }
}

class PythonBot implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcessWithoutNullStreams, url: string) {
    this.#child = child;
    this.url = url;
    this.#exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  }

  static async open({ port, secret }: Registered): Promise<PythonBot> {
    const child = spawn(python as string, [program, String(port)], { env: { ...process.env, SUDA_WEBHOOK_SECRET: secret } });
    child.stderr.pipe(process.stderr);
    for await (const line of createInterface({ input: child.stdout })) return new PythonBot(child, line.replace("ready ", ""));
    throw new Error("The Python bot ended before it was ready.");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Its exit code. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
