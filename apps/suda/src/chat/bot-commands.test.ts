/** A bot's slash commands, completed by Tab in the conversation with it, from the real server. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { openClient } from "@suda/client";
import { systemClock, type UserId } from "@suda/protocol";
import { ManualClock, TestServer, userId } from "@suda/testing";
import { BotCommands } from "./bot-commands.ts";
import { ChatSocket } from "./chat-socket.ts";
import { complete } from "./completion.ts";
import { messagesFor } from "./messages.ts";
import { ChatSession } from "./session.ts";

const commands = [
  { name: "hint", description: "A hint" },
  { name: "힌트", description: "힌트를 줍니다" },
];

test("Tab offers a bot's commands beside the terminal's own, in the conversation with it alone", { timeout: 20_000 }, async () => {
  await using suda = await TestServer.open();
  const url = new URL("/v1/socket", await suda.listen());
  url.protocol = "ws:";
  await suda.backend().request("PUT", "/v1/bots/tutor", { commands });
  const clock = { ...systemClock, now: () => suda.clock.now() };
  const client = await openClient({ url, tokenProvider: () => suda.token("alice"), WebSocket: ChatSocket, clock });
  const botCommands = new BotCommands({ url: url.href, token: async () => suda.token("alice"), clock: systemClock });
  await using session = new ChatSession({ client, messages: messagesFor("en"), clock: systemClock, listener: { onChange: () => {} }, botCommands });
  await session.open();
  await session.openDirect(userId("bob"));
  await botCommands.learn(userId("bob"));
  assert.equal(complete(session, "/hin"), undefined);
  await session.openDirect(userId("tutor"));
  // What the session began; asked again, it would be one request more for nothing.
  while (session.botCommands.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(complete(session, "/hin")?.text, "/hint ");
  assert.equal(complete(session, "/힌")?.text, "/힌트 ");
  assert.deepEqual(complete(session, "/hi")?.candidates, ["/history", "/hint"]);
});

test("what does not answer, or not well, offers nothing, and is asked again", { timeout: 20_000 }, async () => {
  let answers = 0;
  let body = "";
  const server = createServer((_request, response) => {
    answers++;
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const bots = new BotCommands({ url: `ws://127.0.0.1:${port}/v1/socket`, token: async () => "t", clock });
  const tutor = "tutor" as UserId;
  for (body of ["not JSON", "null", '{"bot":{"commands":3}}']) await bots.learn(tutor);
  assert.equal(answers, 3);
  assert.deepEqual(bots.of(tutor), []);
  body = JSON.stringify({ bot: { commands: [{ name: "two words" }, { name: "/x" }, { name: 7 }, { name: "ok", description: "" }] } });
  await bots.learn(tutor);
  await bots.learn(tutor);
  assert.equal(answers, 4, "known for a minute");
  assert.deepEqual(
    bots.of(tutor).map(({ name }) => name),
    ["ok"],
  );
  clock.advance(60_000);
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  await bots.learn(tutor);
  assert.deepEqual(bots.of(tutor), []);
});
