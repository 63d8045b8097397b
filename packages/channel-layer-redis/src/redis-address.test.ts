import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, parseRedisUrl } from "./redis-address.ts";

test("one Redis, the nodes of a Cluster, and Sentinels with the name of their master", () => {
  assert.deepEqual(parseRedisUrl("redis://redis"), { endpoints: [{ host: "redis", port: 6_379 }], isTls: false, credentials: {} });
  assert.deepEqual(parseRedisUrl("rediss://suda:p%40ss%2Fword@a:7000,[::1]:7001,b/0"), {
    endpoints: [
      { host: "a", port: 7_000 },
      { host: "::1", port: 7_001 },
      { host: "b", port: 6_379 },
    ],
    isTls: true,
    credentials: { username: "suda", password: "p@ss/word" },
  });
  assert.deepEqual(parseRedisUrl("redis+sentinel://:secret@s1,s2:7/my-master?sentinel-user=u&sentinel-password=p%26q"), {
    endpoints: [
      { host: "s1", port: 26_379 },
      { host: "s2", port: 7 },
    ],
    isTls: false,
    credentials: { password: "secret" },
    sentinel: { master: "my-master", credentials: { username: "u", password: "p&q" } },
  });
  assert.deepEqual(parseRedisUrl("redis://suda@redis").credentials, { username: "suda" });
  assert.equal(nameOf({ host: "::1", port: 1 }), "[::1]:1");
});

test("what is no address is refused, and no part of it repeated", () => {
  const secret = "hunter2";
  const wrong = [
    "http://HOST",
    "redis://",
    "redis://HOST:0",
    "redis://HOST:65536",
    "redis://HOST/db",
    "redis://HOST/0/1",
    "redis://HOST?x=1",
    "redis://a b@HOST",
  ];
  wrong.push("redis://a,,b", "redis://HOST,", "redis+sentinel://HOST", "redis+sentinel://HOST/", "redis+sentinel://HOST/m?password=x", "redis://%zz@HOST");
  wrong.push(`redis://${Array.from({ length: 101 }, (_, index) => `h${index}`).join(",")}`);
  for (const url of wrong)
    assert.throws(
      () => parseRedisUrl(url.replace("HOST", `u:${secret}@host`)),
      (error: unknown) => error instanceof TypeError && !error.message.includes(secret),
      url,
    );
});
