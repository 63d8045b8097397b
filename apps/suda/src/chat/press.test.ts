/** Pressing buttons and filling forms, against the real server with a bot: what is tapped, and what a person is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openClient } from "@suda/client";
import { systemClock, type ConversationId, type InteractionCreated, type MessageBody, type UserId } from "@suda/protocol";
import { goldenMessage, TestServer, type WebSocketCommunicator } from "@suda/testing";
import { ChatSocket } from "./chat-socket.ts";
import { performInput } from "./commands.ts";
import { complete } from "./completion.ts";
import { messagesFor } from "./messages.ts";
import { ChatRefusal } from "./refusal.ts";
import { ChatSession } from "./session.ts";
import { transcriptItems } from "./transcript-items.ts";
import { itemText } from "./transcript.ts";

const timeout = 20_000;
const { templates } = messagesFor("en");

class World implements AsyncDisposable {
  readonly suda: TestServer;
  readonly session: ChatSession;
  readonly bot: WebSocketCommunicator;
  readonly notices: string[] = [];
  conversation = "" as ConversationId;
  #wake = (): void => undefined;

  private constructor(suda: TestServer, bot: WebSocketCommunicator, client: ChatSession["client"]) {
    this.suda = suda;
    this.bot = bot;
    const onNotice = (text: string): void => {
      this.notices.push(text);
      this.#wake();
    };
    this.session = new ChatSession({ client, messages: messagesFor("en"), clock: systemClock, listener: { onChange: () => this.#wake(), onNotice } });
  }

  /** Alice's session, with the conversation with a bot open. */
  static async open(socket: typeof ChatSocket = ChatSocket): Promise<World> {
    const suda = await TestServer.open();
    const url = new URL("/v1/socket", await suda.listen());
    url.protocol = "ws:";
    const bot = await suda.connectBot("tutor");
    const clock = { ...systemClock, now: () => suda.clock.now() };
    const client = await openClient({ url, tokenProvider: () => suda.token("alice"), WebSocket: socket, clock });
    const world = new World(suda, bot, client);
    await world.session.open();
    world.conversation = (await world.session.openDirect("tutor" as UserId)).room.id;
    return world;
  }

  /** The bot says it, and alice sees it. */
  async says(message: MessageBody): Promise<number> {
    const { seq } = await this.bot.request({ type: "message.send", conversation: this.conversation, clientId: `bot-${Math.random()}` as never, ...message });
    await this.until(() => this.session.current?.snapshot.events.some((event) => event.seq === seq) === true);
    return seq;
  }

  enter(input: string): Promise<void> {
    return performInput({ session: this.session, server: "test", quit: () => undefined, showHistory: async () => {} }, input);
  }

  async refused(input: string): Promise<string> {
    let problem = "";
    await assert.rejects(this.enter(input), (error: Error) => {
      problem = error.message;
      return error instanceof ChatRefusal;
    });
    return problem;
  }

  /** All taps of the conversation so far, as the bot reads them. */
  async taps(): Promise<readonly InteractionCreated[]> {
    const { events } = await this.bot.request({ type: "history.get", conversation: this.conversation });
    return events.filter((event) => event.type === "interaction.created");
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  screen(): string {
    const { session } = this;
    const { snapshot } = session.current ?? assert.fail("no conversation is open");
    const items = transcriptItems(snapshot, []);
    return items.map((item) => itemText(item, { messages: session.messages, nameOf: (user) => session.people.nameOf(user) })).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
    await this.suda[Symbol.asyncDispose]();
  }
}

test("a button is pressed by its number; one that counts once is shown as used, and refused the second time", { timeout }, async () => {
  await using world = await World.open();
  const target = await world.says(goldenMessage("confirm"));
  await world.enter("/press 1");
  const [tap] = await world.taps();
  assert.deepEqual([tap?.from, tap?.target, tap?.action, tap?.kind, tap?.data], ["alice", target, "yes", "postback", "cancel:A-1042"]);
  await world.until(() => world.screen().includes("[1] Yes (used)  [2] No"));
  assert.match(world.screen(), /alice tapped “Yes”/);
  assert.equal(await world.refused("/1"), templates.alreadyUsed("Yes"));
  assert.equal(await world.refused("/3"), templates.noButton(3, 2));
  await world.enter("/2");
  await world.until(() => /alice: No, keep it/.test(world.screen()));
});

test("quick replies are numbered too and go when one was pressed; an earlier message is named by ^2", { timeout }, async () => {
  await using world = await World.open();
  assert.equal(await world.refused("/1"), templates.noButtons);
  const first = await world.says(goldenMessage("card"));
  await world.says(goldenMessage("text"));
  assert.match(world.screen(), /\[1\] More hints {2}\[2\] Ask a teacher$/);
  await world.enter("/press ^2 1");
  await world.enter("/press 2");
  assert.deepEqual(
    (await world.taps()).map(({ target, action, kind }) => [target, action, kind]),
    [
      [first, "why", "postback"],
      [first + 1, "teacher", "handoff"],
    ],
  );
  await world.until(() => !world.screen().includes("Ask a teacher"));
});

/** Its first tap is written, and the connection is gone before the answer. */
function losingFirstAnswer(): typeof ChatSocket {
  let hasLost = false;
  return class extends ChatSocket {
    override send(text: string): void {
      if (hasLost || !text.includes("interaction.tap")) return super.send(text);
      hasLost = true;
      super.send(text, () => this.terminate());
    }
  };
}

test("[T15] a press whose answer is lost with the connection goes on over the next one, and counts once; without one it is refused", { timeout }, async () => {
  await using world = await World.open(losingFirstAnswer());
  await world.says({ content: { type: "card", text: "Again?", buttons: [{ type: "postback", id: "again", label: "Again" }] }, altText: "Again?" });
  const pressing = world.enter("/press 1");
  await world.until(() => world.session.connection.kind !== "open");
  assert.equal(await world.refused("/press 1"), messagesFor("en").notConnected);
  await pressing;
  assert.equal((await world.taps()).length, 1);
});

test("what another client would open, dial or copy is shown, and what it does not count is not told", { timeout }, async () => {
  await using world = await World.open();
  await world.says(goldenMessage("card"));
  await world.enter("/press 3");
  await world.enter("/press 2");
  assert.deepEqual(world.notices, [templates.open("https://learn.example.com/7"), templates.copy("(x − 2)(x + 3) = 0")]);
  assert.deepEqual(await world.taps(), []);
});

test("a time is asked for until it is one that can be chosen; a value behind the number answers at once", { timeout }, async () => {
  await using world = await World.open();
  await world.says(goldenMessage("details"));
  await world.enter("/press 1");
  assert.match(world.notices.at(-1) ?? "", /Change time — .*from 2026-03-02T09:00 to 2026-03-31T18:00/);
  await world.refused("tomorrow");
  await world.refused("2026-04-01T10:00");
  await world.refused("");
  assert.deepEqual(await world.taps(), []);
  await world.enter("2026-03-05 10:30");
  await world.enter("/press 1 2026-03-06T09:00");
  assert.deepEqual(
    (await world.taps()).map(({ value }) => value),
    ["2026-03-05T10:30", "2026-03-06T09:00"],
  );
});

test("a form is asked field by field: wrong answers again, Enter skips what may be left out, and all goes at once", { timeout }, async () => {
  await using world = await World.open();
  await world.says({ ...goldenMessage("form"), content: { ...formContent(), expiresAt: world.suda.clock.now() + 1_000 } });
  await world.enter("/1");
  await world.enter("Bob");
  assert.equal(await world.refused("no address"), templates.hints.email);
  await world.enter("bob@example.com");
  assert.equal(await world.refused("3"), templates.hints.select);
  await world.enter("2");
  await world.enter("2, 1");
  await world.enter("");
  assert.equal(await world.refused(""), templates.required);
  assert.equal(await world.refused("2026-02-30"), templates.hints.date);
  await world.enter("2026-03-01");
  await world.enter("09:30");
  await world.enter("//slash");
  assert.equal(await world.refused("n"), templates.required);
  assert.deepEqual(await world.taps(), []);
  await world.enter("y");
  const [tap] = await world.taps();
  assert.deepEqual(
    [tap?.action, tap?.kind, tap?.value],
    [
      "submit",
      "submit",
      { name: "Bob", email: "bob@example.com", grade: "m2", subjects: ["english", "math"], day: "2026-03-01", time: "09:30", note: "/slash", agree: true },
    ],
  );
  assert.equal(world.notices.at(-1), templates.sent("Book a trial lesson"));
  await world.until(() => world.screen().includes("[1] Book (used)"));
  // What was filled in stands there in the form's words, and not in those of the program behind it.
  assert.match(
    world.screen(),
    /alice sent the form: Name Bob, E-mail bob@example\.com, Grade 8th, Subjects English \/ Mathematics, Day 2026-03-01, Time 09:30, /,
  );
});

test("what is asked can be given up, and is when another conversation is opened; nothing is sent", { timeout }, async () => {
  await using world = await World.open();
  await world.says(goldenMessage("details"));
  await world.enter("/press 1");
  await world.enter("/cancel");
  assert.equal(world.notices.at(-1), templates.cancelled);
  assert.equal(await world.refused("/cancel"), templates.nothingAsked);
  await world.enter("/press 1");
  await world.enter("/dm bob");
  assert.equal(world.session.asking.question, undefined);
  await world.enter("2026-03-05T10:30");
  await world.session.settled();
  assert.deepEqual(await world.taps(), []);
});

test("a place and a contact are asked for, and given as the protocol wants them", { timeout }, async () => {
  await using world = await World.open();
  const request = (kind: "location" | "contact" | "email") => ({ type: "request", id: kind, label: kind, kind }) as const;
  await world.says({ content: { type: "card", title: "Who?", buttons: [request("location"), request("contact"), request("email")] }, altText: "Who?" });
  await world.enter("/1");
  await world.refused("91, 0");
  await world.enter("37.57, 126.97");
  await world.enter("/2");
  for (const answer of ["Bob", "010-1234-5678", ""]) await world.enter(answer);
  await world.enter("/3 bob@example.com");
  assert.deepEqual(
    (await world.taps()).map(({ value }) => value),
    [{ latitude: 37.57, longitude: 126.97 }, { name: "Bob", phone: "010-1234-5678" }, "bob@example.com"],
  );
});

test("the bot's word about a tap is shown; Tab names the buttons; the bot's own commands go to the bot", { timeout }, async () => {
  await using world = await World.open();
  await world.says(goldenMessage("confirm"));
  assert.deepEqual(complete(world.session, "/press ")?.candidates, ["[1] Yes", "[2] No"]);
  assert.equal(complete(world.session, "/press 2")?.text, "2 ");
  await world.enter("/press 1");
  const [tap] = await world.taps();
  await world.bot.request({ type: "interaction.answer", conversation: world.conversation, target: tap?.seq ?? 0, toast: "Cancelled\u001b[31m!" });
  await world.until(() => world.notices.length > 0);
  assert.deepEqual(world.notices, ["tutor: Cancelled!"]);
  await world.enter("/order two");
  await world.session.settled();
  assert.match(world.screen(), /alice: \/order two/);
});

function formContent() {
  const { content } = goldenMessage("form");
  assert.ok(content.type === "form");
  return content;
}
