/** I7: an app can hold back before its connection is too slow. Over real sockets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, systemRandom } from "@suda/protocol";
import { SocketServer } from "@suda/server";
import { RawWebSocket, RecordingApp } from "@suda/testing";

const chunk = new Uint8Array(32_768);

test("[I7] an app that waits while it is congested is never closed as slow; one that does not wait is, with 4000", { timeout: 30_000 }, async () => {
  const app = new RecordingApp();
  let slowCloses = 0;
  const failures: unknown[] = [];
  await using sockets = new SocketServer({
    app,
    clock: systemClock,
    random: systemRandom,
    onFailure: (error) => failures.push(error),
    onSlow: () => slowCloses++,
  });
  const { url } = await sockets.listen({ port: 0, host: "127.0.0.1" });
  let received = 0;
  const client = await RawWebSocket.open(url, { onMessage: (payload) => (received += payload.byteLength) });
  const { connection } = await app.connection();

  // A client that does not read: more waits than half of the bound, and the app is told before it is too much.
  client.socket.pause();
  let sent = 0;
  while (!connection.isCongested) {
    connection.send(chunk);
    sent += chunk.byteLength;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(connection.isOpen, true);
  let isDrained = false;
  const drained = connection.drained().then(() => (isDrained = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isDrained, false, "the client has not read yet");
  client.socket.resume();
  await drained;
  await until(() => received >= sent);
  assert.deepEqual([connection.isOpen, slowCloses, received], [true, 0, sent]);

  // The same client, and an app that goes on without looking.
  client.socket.pause();
  while (connection.isOpen) {
    connection.send(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await connection.drained();
  client.socket.resume();
  assert.equal(await client.closed, 4_000);
  assert.deepEqual([slowCloses, failures], [1, []]);
});

/** The test's own time-out ends a wait in vain. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}
