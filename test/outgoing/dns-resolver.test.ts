/** The resolver of outgoing requests against a name server of the test's. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { createDnsResolver } from "@suda/server/outgoing";
import { DnsServer } from "./dns-server.ts";

const { signal } = new AbortController();

test("a name's addresses come from the name server, all of them", async () => {
  await using dns = await DnsServer.open((name) => (name === "bot.example" ? ["192.0.2.1", "192.0.2.2", "10.0.0.1"] : undefined));
  const resolver = createDnsResolver([dns.address]);
  deepEqual(Array.from(await resolver.resolve("bot.example", signal)).sort(), ["10.0.0.1", "192.0.2.1", "192.0.2.2"]);
  await rejects(resolver.resolve("other.example", signal), { code: "outgoing.unresolved" });
});

test("localhost is loopback, and no name server is asked", async () => {
  await using dns = await DnsServer.open(() => ["192.0.2.1"]);
  const resolver = createDnsResolver([dns.address]);
  for (const name of ["localhost", "bot.localhost"]) deepEqual(await resolver.resolve(name, signal), ["127.0.0.1", "::1"]);
  equal(dns.questions.length, 0);
});

test("a name server that does not answer is given up with the request", async () => {
  const controller = new AbortController();
  // It is given up as soon as the question has come.
  await using dns = await DnsServer.open(() => {
    controller.abort();
    return [];
  });
  const resolver = createDnsResolver([dns.address]);
  await rejects(resolver.resolve("hanging.example", controller.signal), { code: "outgoing.unresolved" });
  await rejects(resolver.resolve("hanging.example", controller.signal), { code: "outgoing.aborted" });
});
