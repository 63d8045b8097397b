/** The tutor in one process with its students, and once on a real server. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Content, MessageCreated } from "@suda/protocol";
import { clientId, ServerProcess, signToken, TestServer, userId, WireClient, writeTokenKey } from "@suda/testing";
import { run as readPhoto } from "./read-photo.ts";
import { run as solve } from "./solve.ts";
import { createTutorBot } from "./tutor-bot.ts";

const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

/** The pixel, and a text beside it: between the signature with its header (33 bytes) and the rest. */
function pngWith(text: string): Uint8Array<ArrayBuffer> {
  const data = Buffer.from(`Description\0\0\0\0\0${text}`, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Uint8Array.from(Buffer.concat([pixel.subarray(0, 33), length, Buffer.from("iTXt"), data, Buffer.alloc(4), pixel.subarray(33)]));
}

for (const [problem, expected] of [
  ["2 + 3 × 4", "14"],
  ["(1 − 1/3) / 2", "1/3"],
  ["2x + 3 = 7", "x = 2"],
  ["x² + x = 6", "x = 2 or x = −3"],
  ["(x-1)(x-1) = 0", "x = 1"],
  ["x^2 = 2", "x = (0 ± √8) / 2"],
  ["x^2 + 1 = 0", "no real x"],
  ["x = x", "every x"],
  ["x = x + 1", "there is no such x"],
] as const)
  test(`solves ${problem}`, () => {
    const solution = solve({ text: problem, language: "en" });
    assert.equal(solution.isSolved && solution.answer, expected);
  });

for (const problem of ["hello", "1 / 0 = x", "x^3 = 1", "x = 1 = 2", "(1 + 2", `${"(".repeat(50)}1`, "1".repeat(201), "x + 1", "2 +"])
  test(`does not pretend to solve ${problem.slice(0, 20)}`, () => assert.equal(solve({ text: problem, language: "en" }).isSolved, false));

test("reads what a PNG says of itself, and nothing else", () => {
  assert.equal(readPhoto(pngWith("2x = 4")), "2x = 4");
  for (const bytes of [pixel, Buffer.from("no png"), pngWith("2x = 4").subarray(0, 50), new Uint8Array(0)]) assert.notEqual(readPhoto(bytes), "2x = 4");
});

test("a photo is answered by a text that grows, a card, hints, and a teacher", async () => {
  await using suda = await TestServer.open({ limits: { commands: { perSecond: 0, burst: 1 } } });
  const problems: unknown[] = [];
  await using bot = createTutorBot({ ...suda.botLink("tutor"), onProblem: (problem) => problems.push(problem) });
  await bot.start();
  await using bob = await suda.connect("bob");
  const { conversation } = await bob.request({ type: "conversation.open", with: userId("tutor") });
  const { id } = conversation;
  const send = (content: Content) => bob.request({ type: "message.send", conversation: id, clientId: clientId(crypto.randomUUID()), content });
  const next = (type: string): Promise<MessageCreated> => bob.event("message.created", ({ from, content }) => from === "tutor" && content.type === type);
  const tap = (target: number, action: string) =>
    bob.request({ type: "interaction.tap", conversation: id, target, action, clientId: clientId(`${action}-${target}`) });
  const textIn = ({ content }: MessageCreated): string => (content.type === "card" || content.type === "text" ? (content.text ?? "") : "");

  await send({ type: "bytes", mime: "image/png", bytes: pngWith("x² + x = 6") });
  await bob.event("stream.started");
  assert.match(textIn(await next("text")), /a quadratic equation/);
  let card = await next("card");
  for (let hints = 0; hints < 3; hints++) {
    assert.doesNotMatch(textIn(card), /x = 2 or/);
    await tap(card.seq, "hint");
    card = await next("card");
  }
  assert.match(textIn(card), /x = 2 or x = −3$/);

  await send({ type: "image", url: "https://example.com/a.jpg", caption: "2x = 4" });
  assert.match(textIn(await next("text")), /a linear equation/);
  card = await next("card");
  await send({ type: "bytes", mime: "image/png", bytes: Uint8Array.from(pixel) });
  assert.match(textIn(await next("text")), /no OCR/);

  await tap(card.seq, "teacher");
  const { holder, queue } = await bob.event("control.changed");
  assert.deepEqual([holder, queue], ["none", "math"]);
  await suda.backend().post(`/v1/conversations/${id}/control/return`, {});
  assert.match(textIn(await next("text")), /here again/);
  assert.deepEqual(problems, []);
});

test("the program on a real server solves what is written to it", { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "suda-tutor-"));
  writeTokenKey(directory);
  const command = fileURLToPath(new URL("../../apps/suda/bin/suda.js", import.meta.url));
  await using server = await ServerProcess.open({ program: [command, "serve", "--port", "0", "--data", directory, "--log-level", "error"] });
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const env = { ...process.env, SUDA_URL: server.url, BOT_TOKEN: signToken(directory, "tutor", { bot: true }) };
  const bot = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), "--conditions=suda-source", main], { env, stdio: "ignore" });
  const exited = new Promise((resolve) => bot.once("exit", resolve));
  try {
    let solved = (): void => {};
    const answered = new Promise<void>((resolve) => (solved = resolve));
    await using bob = await WireClient.open({
      url: server.url,
      token: signToken(directory, "bob"),
      onEvent(event) {
        if (event.type === "message.created" && event.from === "tutor" && event.content.type === "card") solved();
      },
    });
    // A bot need not be there when it is written to.
    const { conversation } = await bob.request("conversation.open", { with: userId("tutor") });
    await bob.request("message.send", { conversation: conversation.id, clientId: clientId("c1"), content: { type: "text", text: "2x = 4" } });
    await answered;
  } finally {
    bot.kill("SIGKILL");
    await exited;
    await rm(directory, { recursive: true, force: true });
  }
});
