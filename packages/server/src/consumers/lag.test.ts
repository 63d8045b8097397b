/** A client that does not read fast enough, over real sockets: what gives first, and that it is told (D6). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Event, Lag, LogEvent } from "@suda/protocol";
import { RawWebSocket, say, TestServer, textOf, userId, clientId, WireClient } from "@suda/testing";
import { jsonCodec, decodeServerFrames, stringifyFrame, type ServerFrame } from "@suda/protocol";

const unlimited = { commands: { perSecond: 0, burst: 1 }, requests: { perSecond: 0, burst: 1 } } as const;

describe("a client that does not keep up", () => {
  test("[D6] live events are replaced by one lag per conversation, and the log has what was left out", async () => {
    await using suda = await TestServer.open({ limits: unlimited });
    const url = await suda.listen();
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    const received: ServerFrame[] = [];
    let isLagging: () => void = () => {};
    const lagging = new Promise<void>((resolve) => (isLagging = resolve));
    await using bob = await RawWebSocket.open(`${url}/v1/socket`, {
      subprotocol: jsonCodec.subprotocol,
      onMessage: (payload) => {
        for (const frame of decodeServerFrames(jsonCodec, payload.toString())) {
          received.push(frame);
          if (frame.type === "lag") isLagging();
        }
      },
    });
    bob.send(stringifyFrame({ type: "hello", ref: 1, token: suda.token("bob") }));
    await until(() => received.length > 0);
    bob.socket.pause();
    // Kernel buffers of both sides take some megabytes before the server notices that nobody reads.
    const text = "가".repeat(4_000);
    let sent = 0;
    while (!(await hasLagged(suda))) {
      await alice.request({ type: "message.send", conversation: conversation.id, clientId: clientId(`m-${sent}`), content: textOf(text) });
      sent++;
      assert.ok(sent < 5_000, "the server never noticed");
    }
    for (let more = 0; more < 10; more++, sent++)
      await alice.request({ type: "message.send", conversation: conversation.id, clientId: clientId(`m-${sent}`), content: textOf(text) });
    bob.socket.resume();
    await lagging;
    const lags = received.filter((frame): frame is Lag => frame.type === "lag");
    assert.deepEqual(
      lags.map(({ conversation }) => conversation),
      [conversation.id],
    );
    assert.equal(lags[0]?.head, sent, "its head is the newest that was left out");
    const live = received.filter((frame): frame is LogEvent => frame.type === "message.created").map(({ seq }) => seq);
    assert.deepEqual(
      live,
      live.map((_, index) => index + 1),
      "what came is the log's beginning without a hole",
    );
    assert.ok(live.length < sent);
    await say(alice, conversation.id, "after");
    await until(() => received.some((frame) => frame.type === "message.created" && frame.seq === sent + 1));
  });

  test("[D6] others of the same conversation receive everything meanwhile", async () => {
    await using suda = await TestServer.open({ limits: unlimited });
    const url = await suda.listen();
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.create", members: [userId("bob"), userId("carol")] });
    const events: Event[] = [];
    await using carol = await WireClient.open({ url, token: suda.token("carol"), onEvent: (event) => events.push(event) });
    assert.ok(carol);
    await using bob = await RawWebSocket.open(`${url}/v1/socket`, { subprotocol: jsonCodec.subprotocol, onMessage: () => bob.socket.pause() });
    bob.send(stringifyFrame({ type: "hello", ref: 1, token: suda.token("bob") }));
    let sent = 0;
    while (!(await hasLagged(suda))) {
      await alice.request({ type: "message.send", conversation: conversation.id, clientId: clientId(`m-${sent}`), content: textOf("가".repeat(4_000)) });
      sent++;
      await until(() => events.filter(({ type }) => type === "message.created").length === sent);
    }
    assert.equal(
      events.some(({ type }) => type === "lag"),
      false,
    );
  });
});

async function hasLagged(suda: TestServer): Promise<boolean> {
  const { body } = await suda.http().get("/metrics");
  return /^suda_lags_total [1-9]/m.test(String(body));
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1_000 && !isTrue(); attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isTrue(), "it did not come about within 10 s");
}
