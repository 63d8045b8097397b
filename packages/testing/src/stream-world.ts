/** Alice and a bot in a group, for tests of what only bots do. */
import assert from "node:assert/strict";
import type { ConversationId } from "@suda/protocol";
import { createTestGroup, TestServer } from "./test-server.ts";
import type { WebSocketCommunicator } from "./websocket-communicator.ts";

export interface StreamWorld extends AsyncDisposable {
  readonly suda: TestServer;
  readonly alice: WebSocketCommunicator;
  readonly bot: WebSocketCommunicator;
  readonly id: ConversationId;
}

/** Commands are not limited: what is tested here are the bounds of streams. */
export const unlimited = { limits: { commands: { perSecond: 0, burst: 1 } } };

/** Alice and a tutor, in a group of the two. */
export async function openStreamWorld(members: readonly string[] = []): Promise<StreamWorld> {
  const suda = await TestServer.open(unlimited);
  await makeTestBot(suda);
  const alice = await suda.connect("alice");
  const bot = await suda.connect("tutor");
  const { id } = await createTestGroup(alice, ["tutor", ...members]);
  await bot.event("conversation.joined");
  return {
    suda,
    alice,
    bot,
    id,
    async [Symbol.asyncDispose]() {
      await alice[Symbol.asyncDispose]();
      await bot[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    },
  };
}

export async function makeTestBot(suda: TestServer, bot = "tutor"): Promise<void> {
  assert.equal((await suda.backend().request("PUT", `/v1/bots/${bot}`, { name: bot })).status, 200);
}
