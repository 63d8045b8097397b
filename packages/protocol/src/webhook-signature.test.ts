/** Vectors were computed with openssl and with Python's hmac; the first is that of the Standard Webhooks libraries. */
import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "./clock.ts";
import { isWebhookSecret, newWebhookSecret, signWebhook, verifyWebhook, WebhookError, type ReceivedHeaders } from "./webhook-signature.ts";

const secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const secretB = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const secretC = `whsec_${"/".repeat(85)}w==`;
const vectors = [
  {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    seconds: 1_614_265_330,
    body: '{"test": 2432232314}',
    secret: secretA,
    signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  { id: "evt-1", seconds: 0, body: "", secret: secretA, signature: "v1,krrP0/P2pG4j1636/goNydFVuH2Vil7VPgR/mnooe/c=" },
  { id: "evt_2", seconds: 1_700_000_000, body: '{"text":"안녕 👋"}', secret: secretB, signature: "v1,0iV+X7etwg5eB8LIAvE9o+vGo+ZBUfF5HUmZ2fQWKQk=" },
  {
    id: "evt_3",
    seconds: 1_700_000_000,
    body: Uint8Array.from({ length: 256 }, (_, n) => n),
    secret: secretC,
    signature: "v1,L/mjlr88GJVSh07iXvbtuEL3zgXpEtBwz6YcaepEiqA=",
  },
];

const at = 1_700_000_000_000;
const id = "evt_1";
const body = '{"type":"message.created","text":"안녕"}';

test("a webhook is signed as other implementations sign it, and verified", async () => {
  for (const { id, seconds, body, secret, signature } of vectors) {
    const headers = await signWebhook({ id, at: seconds * 1_000 + 999, body, secrets: [secret] });
    deepEqual(headers, { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": signature });
    deepEqual(await verifyWebhook({ headers: { ...headers }, body, secrets: [secret], clock: clockAt(seconds * 1_000) }), { id, at: seconds * 1_000 });
  }
});

test("headers are taken as Node has them, as fetch has them, and in capitals", async () => {
  const signed = await signWebhook({ id, at, body, secrets: [secretA] });
  const capitals = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name.toUpperCase(), value]));
  const lists = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]]));
  const forms: ReceivedHeaders[] = [{ ...signed, get: "a header that is called so" }, new Headers({ ...signed }), capitals, lists];
  for (const headers of forms) equal((await verify(headers)).id, id);
  const bytes = new TextEncoder().encode(body);
  equal((await verifyWebhook({ headers: { ...signed }, body: bytes, secrets: [secretA], clock: clockAt(at) })).id, id);
});

test("while a secret is rotated, receivers with the old and with the new one both believe it", async () => {
  const signed = await signWebhook({ id, at, body, secrets: [secretB, secretA] });
  equal(signed["webhook-signature"].split(" ").length, 2);
  for (const secrets of [[secretA], [secretB], [secretC, secretA]]) {
    equal((await verifyWebhook({ headers: { ...signed }, body, secrets, clock: clockAt(at) })).id, id);
  }
  await rejects(verifyWebhook({ headers: { ...signed }, body, secrets: [secretC], clock: clockAt(at) }), { code: "webhook.signature_wrong" });
});

test("signatures of other schemes are passed over", async () => {
  const signed = await signWebhook({ id, at, body, secrets: [secretA] });
  const signature = signed["webhook-signature"];
  equal((await verify({ ...signed, "webhook-signature": `v1a,${"A".repeat(86)}== ${signature}  v2,abc` })).id, id);
  await rejects(verify({ ...signed, "webhook-signature": signature.replace("v1,", "v1a,") }), { code: "webhook.signature_wrong" });
});

test("five minutes to either side are taken, a second more is not", async () => {
  const headers = { ...(await signWebhook({ id, at, body, secrets: [secretA] })) };
  const verifyAt = (now: number): Promise<unknown> => verifyWebhook({ headers, body, secrets: [secretA], clock: clockAt(now) });
  await verifyAt(at + 300_000);
  await verifyAt(at - 300_000);
  await rejects(verifyAt(at + 300_001), { code: "webhook.too_old" });
  await rejects(verifyAt(at - 300_001), { code: "webhook.too_new" });
});

test("whatever is changed, by one bit, makes the signature wrong", async () => {
  const signed = await signWebhook({ id, at, body, secrets: [secretA] });
  const wrong = { code: "webhook.signature_wrong" };
  await verify({ ...signed });
  const bytes = new TextEncoder().encode(body);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await rejects(verify({ ...signed }, changed), wrong, `bit ${bit}`);
  }
  await rejects(verify({ ...signed }, `${body} `), wrong);
  await rejects(verify({ ...signed }, ""), wrong);
  await rejects(verify({ ...signed, "webhook-id": "evt_2" }), wrong);
  await rejects(verify({ ...signed, "webhook-timestamp": "1700000001" }), wrong);
  const signature = signed["webhook-signature"];
  for (const other of [signature.replace(/[A-Za-z]=$/, "A="), signature.slice(0, -4), `${signature.slice(0, -1)}A=`, "v1,AAAA", `v1,${"A".repeat(43)}=`]) {
    notEqual(other, signature);
    await rejects(verify({ ...signed, "webhook-signature": other }), wrong, other);
  }
});

test("what is signed can be read in one way: an id with a dot is refused by both sides", async () => {
  await rejects(signWebhook({ id: "evt.1", at, body, secrets: [secretA] }), { code: "webhook.id_malformed" });
  const signed = await signWebhook({ id: "evt", at, body: `1700000000.${body}`, secrets: [secretA] });
  // The same bytes are signed as for this id and time.
  await rejects(verify({ ...signed, "webhook-id": "evt.1700000000" }), { code: "webhook.header_malformed" });
});

test("headers that are absent, doubled, too long or of another form are refused with their code", async () => {
  const signed = await signWebhook({ id, at, body, secrets: [secretA] });
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"] as const) {
    const value = signed[name];
    for (const other of [undefined, [], [value, value]]) await rejects(verify({ ...signed, [name]: other }), { code: "webhook.header_missing" }, name);
    await rejects(verify({ ...signed, [name.toUpperCase()]: value }), { code: "webhook.header_missing" }, name);
    for (const other of ["", " ", "\u0000", "안녕", "x".repeat(3_000)])
      await rejects(verify({ ...signed, [name]: other }), { code: "webhook.header_malformed" }, name);
  }
  for (const timestamp of ["-1", "1.5", "1e9", "0x1", " 1700000000", "1700000000 ", "١٧", "1234567890123", "NaN"]) {
    await rejects(verify({ ...signed, "webhook-timestamp": timestamp }), { code: "webhook.header_malformed" }, timestamp);
  }
  for (const signature of ["v1", "v1,", ",abc", "abc", "v1;abc", "v1,a b", `${signed["webhook-signature"]},x`]) {
    await rejects(verify({ ...signed, "webhook-signature": signature }), { code: "webhook.header_malformed" }, signature);
  }
});

test("a secret has its prefix and 24 to 64 bytes; new ones differ", async () => {
  const made = new Set(Array.from({ length: 100 }, () => newWebhookSecret()));
  equal(made.size, 100);
  for (const secret of [...made, secretA, secretB, secretC]) ok(isWebhookSecret(secret), secret);
  const ofBytes = (length: number): string => `whsec_${Buffer.alloc(length, 7).toString("base64")}`;
  for (const [length, isOne] of [
    [23, false],
    [24, true],
    [64, true],
    [65, false],
  ] as const) {
    equal(isWebhookSecret(ofBytes(length)), isOne, `${length} bytes`);
  }
  const wrong = { code: "webhook.secret_malformed" };
  const headers = { ...(await signWebhook({ id, at, body, secrets: [secretA] })) };
  for (const secret of ["", "whsec_", secretA.slice(6), `${secretA}!`, secretA.replace("whsec_", "whsk_"), ofBytes(23)]) {
    equal(isWebhookSecret(secret), false, secret);
    await rejects(signWebhook({ id, at, body, secrets: [secret] }), wrong);
    await rejects(verifyWebhook({ headers, body, secrets: [secret], clock: clockAt(at) }), wrong);
  }
  await rejects(signWebhook({ id, at, body, secrets: [] }), wrong);
  await signWebhook({ id, at, body, secrets: Array.from({ length: 4 }, () => secretA) });
  await rejects(signWebhook({ id, at, body, secrets: Array.from({ length: 5 }, () => secretA) }), wrong);
  for (const time of [-1, Number.NaN, Number.POSITIVE_INFINITY]) await rejects(signWebhook({ id, at: time, body, secrets: [secretA] }), RangeError);
});

test("hostile headers bring a coded refusal and nothing else, and its message holds none of them", async () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 300 }), fc.constantFrom("v1,", "v1,AAAA", String(at / 1_000), id));
  const value = fc.oneof(text, fc.constant(undefined), fc.array(text, { maxLength: 3 }), fc.anything());
  const headers = fc.record({ "webhook-id": value, "webhook-timestamp": value, "webhook-signature": value, get: fc.anything() }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(headers, fc.string(), async (hostile, content) => {
      const error: unknown = await verify(hostile as ReceivedHeaders, content).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      ok(error instanceof WebhookError, String(error));
      ok(["webhook.header_missing", "webhook.header_malformed", "webhook.signature_wrong", "webhook.too_old", "webhook.too_new"].includes(error.code));
      ok(!error.message.includes(secretA));
    }),
    { numRuns: 2_000 },
  );
});

function verify(headers: ReceivedHeaders, received: string | Uint8Array = body): Promise<{ readonly id: string }> {
  return verifyWebhook({ headers, body: received, secrets: [secretA], clock: clockAt(at) });
}

function clockAt(now: number): Clock {
  return { now: () => now, monotonicMs: () => 0, schedule: () => ({ cancel: () => {} }) };
}
