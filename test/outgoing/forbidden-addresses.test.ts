/**
 * Server-side request forgery, counted outside of our code (RELIABILITY D6): Linux' own counters of a network namespace in which every
 * address answers, and strace. Skipped where there can be none; a failure there with REQUIRE_NETWORK_NAMESPACES=1.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { forbiddenUrls } from "./forbidden-urls.ts";
import { runInNamespace, whyNoNamespace } from "./network-namespace.ts";

const program = fileURLToPath(new URL("attempts.ts", import.meta.url));
const isRequired = process.env["REQUIRE_NETWORK_NAMESPACES"] === "1";
const skip = isRequired ? false : (whyNoNamespace() ?? false);
const refusals = new Set(["outgoing.refused_url", "outgoing.refused_address", "outgoing.refused_port"]);

test("over 500 forbidden URLs are refused, and not one packet is sent", { skip, timeout: 120_000 }, async (t) => {
  const urls = forbiddenUrls();
  const distinct = new Set(urls.map(({ url, addresses }) => `${url} ${addresses.join()}`));
  ok(distinct.size >= 500, `${distinct.size} are distinct`);
  const { result, counted, connects } = await runInNamespace(program, "forbidden");
  const outcomes = result as readonly string[];
  equal(outcomes.length, 2 * urls.length, "each with an empty allow-list and with one");
  const taken = outcomes.flatMap((outcome, index) => (refusals.has(outcome) ? [] : [`${urls[index >> 1]?.url}: ${outcome}`]));
  deepEqual(taken, []);
  deepEqual(counted, { connections: 0, packets: 0 });
  deepEqual(connects, []);
  t.diagnostic(
    `${distinct.size} URLs, ${outcomes.length} attempts: ${counted.connections} connections, ${counted.packets} packets, ${connects.length} connect()`,
  );
});

test("as webhooks of bots they are refused when they are registered, or when they are called, and not one packet is sent", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const urls = forbiddenUrls();
  const { result, counted, connects } = await runInNamespace(program, "webhooks");
  const outcomes = result as readonly string[];
  equal(outcomes.length, urls.length);
  const atRegistration = outcomes.filter((outcome) => outcome === "frame.invalid /url").length;
  const atCall = outcomes.filter((outcome) => refusals.has(outcome)).length;
  deepEqual(
    outcomes.flatMap((outcome, index) => (outcome === "frame.invalid /url" || refusals.has(outcome) ? [] : [`${urls[index]?.url}: ${outcome}`])),
    [],
  );
  // Names can only be judged by what they resolve to.
  ok(atRegistration > 100 && atCall > 100, `${atRegistration} at registration, ${atCall} at the call`);
  deepEqual(counted, { connections: 0, packets: 0 });
  deepEqual(connects, []);
  t.diagnostic(`${atRegistration} refused at registration, ${atCall} at the call: ${counted.connections} connections, ${counted.packets} packets`);
});

test("the counters count: a client without a check connects with the same URLs", { skip, timeout: 120_000 }, async (t) => {
  const { counted, connects } = await runInNamespace(program, "unchecked");
  t.diagnostic(`${counted.connections} connections, ${counted.packets} packets, ${connects.length} connect()`);
  ok(counted.connections > 400, `${counted.connections} connections`);
  ok(connects.length > 400, `${connects.length} connect()`);
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "fd00:ec2::254"]) {
    ok(connects.includes(address), `${address} was connected`);
  }
});

test("a name that is rebound to a private address reaches the public one that was checked, and then nothing", { skip, timeout: 120_000 }, async (t) => {
  const { result, counted, connects } = await runInNamespace(program, "rebinding");
  const { outcomes, reached, questions } = result as { readonly outcomes: readonly string[]; readonly reached: readonly string[]; readonly questions: number };
  // The first call comes to the public address, where nobody speaks TLS; the others are refused before a socket is opened.
  const expected = Array.from({ length: 50 }, () => ["outgoing.certificate", "outgoing.refused_address", "outgoing.refused_address"]).flat();
  deepEqual(outcomes, expected);
  const publicOnes = Array.from({ length: 50 }, (_, n) => `1.1.1.${n + 1}`);
  deepEqual(reached, publicOnes);
  equal(counted.connections, 50);
  deepEqual(
    connects.filter((address) => address !== "127.0.0.1"),
    publicOnes,
    "besides the name server",
  );
  equal(questions, 150, "each call asked once, and used what it was told");
  t.diagnostic(`${outcomes.length} calls: ${counted.connections} connections, all public`);
});

test("a redirect leads nowhere, and the allowed host is reached", { skip, timeout: 120_000 }, async (t) => {
  const { result, counted, connects } = await runInNamespace(program, "redirects");
  const { outcomes, reached } = result as { readonly outcomes: readonly string[]; readonly reached: readonly string[] };
  deepEqual(outcomes, [...Array.from({ length: 40 }, () => "outgoing.redirect"), "200"]);
  deepEqual([...new Set(reached)], ["198.18.7.7"]);
  equal(counted.connections, 41);
  deepEqual([...new Set(connects)], ["198.18.7.7"]);
  t.diagnostic(`${outcomes.length} calls: ${counted.connections} connections, all to the allowed host`);
});
