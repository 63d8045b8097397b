/** The session on the client SDK, against the real server: what a person sees and is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openClient } from "@suda/client";
import { systemClock, type UserId } from "@suda/protocol";
import { say, TestServer } from "@suda/testing";
import { ChatSocket } from "./chat-socket.ts";
import { messagesFor } from "./messages.ts";
import { ChatRefusal } from "./refusal.ts";
import { ChatSession } from "./session.ts";

class World implements AsyncDisposable {
  readonly suda: TestServer;
  readonly session: ChatSession;
  readonly notices: string[] = [];
  #wake = (): void => undefined;

  private constructor(suda: TestServer, client: ChatSession["client"]) {
    this.suda = suda;
    const listener = { onChange: () => this.#wake(), onNotice: (text: string) => void this.notices.push(text) };
    this.session = new ChatSession({ client, messages: messagesFor("en"), clock: systemClock, listener });
  }

  /** Alice's session. @param before happens before she is there */
  static async open(before: (suda: TestServer) => Promise<void> = async () => {}): Promise<World> {
    const suda = await TestServer.open();
    const url = new URL("/v1/socket", await suda.listen());
    url.protocol = "ws:";
    await before(suda);
    // The server's clock stands still, and a token of it would be over for this machine's.
    const clock = { ...systemClock, now: () => suda.clock.now() };
    const client = await openClient({ url, tokenProvider: () => suda.token("alice"), WebSocket: ChatSocket, clock });
    const world = new World(suda, client);
    await world.session.open();
    return world;
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
    await this.suda[Symbol.asyncDispose]();
  }
}

const timeout = 20_000;

test("what comes while nobody looks begins below a line, and is read when somebody does", { timeout }, async () => {
  await using world = await World.open();
  const { session, suda } = world;
  const view = await session.openDirect("bob" as UserId);
  await using bob = await suda.connect("bob");
  await say(bob, view.room.id, "one");
  await world.until(() => view.snapshot.messages.length === 1 && view.snapshot.unread === 0);
  assert.equal(view.unreadAfter, undefined);
  session.isFocused = false;
  await say(bob, view.room.id, "two");
  await say(bob, view.room.id, "three");
  await world.until(() => view.snapshot.unread === 2);
  assert.equal(view.unreadAfter, 1);
  session.isFocused = true;
  session.markRead();
  await world.until(() => view.snapshot.unread === 0);
  assert.equal(view.unreadAfter, 1, "frozen while one looks");
  session.send(view, "answer");
  assert.equal(view.unreadAfter, undefined);
  await session.settled();
  assert.equal(view.lastSeq, 4);
});

test("a conversation that is not mine any more is closed, and that is told once", { timeout }, async () => {
  await using world = await World.open();
  const { session, suda } = world;
  await using bob = await suda.connect("bob");
  const { conversation } = await bob.request({ type: "conversation.create", title: "Lunch", members: ["alice" as UserId] });
  await world.until(() => session.conversations.length === 1);
  const view = await session.find("lunch");
  assert.ok(view !== undefined);
  session.show(view);
  await view.room.load();
  await bob.request({ type: "member.remove", conversation: conversation.id, user: "alice" as UserId });
  await world.until(() => session.current === undefined);
  assert.deepEqual(world.notices, [messagesFor("en").youLeft("Lunch")]);
  assert.equal(await session.find("lunch"), undefined);
});

test("a conversation far down the list is found by its title", { timeout }, async () => {
  const before = async (suda: TestServer): Promise<void> => {
    await using bob = await suda.connect("bob");
    for (let n = 0; n < 70; n++) {
      suda.clock.advance(1_000);
      await bob.request({ type: "conversation.create", title: `Group ${n}`, members: ["alice" as UserId] });
    }
  };
  await using world = await World.open(before);
  const { session } = world;
  assert.ok(session.conversations.length < 70);
  const view = await session.find("Group 0");
  assert.equal(view === undefined ? undefined : session.titleOf(view), "Group 0");
  assert.equal(await session.find("no such"), undefined);
});

test("a text that is too long is refused and nothing is queued; what failed is sent again or discarded", { timeout }, async () => {
  await using world = await World.open();
  const { session } = world;
  const view = await session.openDirect("bob" as UserId);
  assert.throws(() => session.send(view, "가".repeat(5_001)), ChatRefusal);
  assert.equal(session.client.unconfirmed, 0);
  // What answers nothing is refused by the server.
  session.send(view, "to nothing", 99);
  await session.settled();
  assert.equal(view.snapshot.messages[0]?.state, "failed");
  assert.equal(session.retry(view), 1);
  await session.settled();
  assert.equal(view.snapshot.messages[0]?.state, "failed");
  assert.equal(session.discard(view), 1);
  assert.deepEqual([session.retry(view), session.discard(view), view.snapshot.messages.length], [0, 0, 0]);
});
