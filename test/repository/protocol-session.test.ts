/** The first conversation of docs/PROTOCOL.md is what the server does, frame by frame. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCommands, jsonCodec, type ServerFrame } from "@suda/protocol";
import { ManualClock, TestServer } from "@suda/testing";
import { exampleBlocks } from "./example-frames.ts";
import { between, read } from "./repository.ts";

test("the first conversation of the document happens as it is shown", async () => {
  const [block] = exampleBlocks(between(read("docs/PROTOCOL.md"), "## A first conversation", "## Connecting"));
  assert.ok(block !== undefined);
  const clock = new ManualClock(1_700_000_000_000);
  // The epoch of the example.
  const random = { bytes: (length: number) => Uint8Array.from(Buffer.from("5f0c1b7a9e3d2846", "hex").subarray(0, length)), float: () => 0.5 };
  await using suda = await TestServer.open({ clock, random });
  await using alice = await suda.connectSilently();
  const received: ServerFrame[] = [];
  for (const { isCommand, text } of block.frames) {
    if (!isCommand) continue;
    const [decoded] = decodeCommands(jsonCodec, text);
    assert.ok(decoded !== undefined && "command" in decoded);
    const { command } = decoded;
    if (command.type === "message.send") clock.advance(500);
    alice.send(command.type === "hello" ? { ...command, token: suda.token("alice") } : command);
    received.push(await alice.receive(`the reply to ${command.type}`, (frame) => frame.type === "reply" && frame.ref === command.ref));
    received.push(...(await alice.leftovers()));
  }
  const shown = block.frames.filter(({ isCommand }) => !isCommand).map(({ text }) => JSON.parse(text) as ServerFrame);
  const inOrder = (frames: readonly ServerFrame[]): string[] => frames.map((frame) => canonical(frame)).sort();
  assert.deepEqual(inOrder(received), inOrder(shown));
});

/** With sorted keys, as text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
