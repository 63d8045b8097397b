/** Token buckets on a clock that the test moves, and the two middlewares made of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HandshakeRefused, ManualClock, testApiKey, TestServer } from "@suda/testing";
import { RateLimiter } from "./rate-limiter.ts";

describe("rate limiter", () => {
  test("[B1] a burst, then a steady rate, each key for itself; the wait that it names is enough", () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ perSecond: 4, burst: 3 }, clock);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take("a")),
      [0, 0, 0, 250],
    );
    assert.equal(limiter.take("b"), 0);
    clock.advance(125);
    assert.equal(limiter.take("a"), 125);
    clock.advance(125);
    assert.deepEqual([limiter.take("a"), limiter.take("a")], [0, 250]);
    clock.advance(3_600_000);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take("a")),
      [0, 0, 0, 250],
      "never more than the burst",
    );
    clock.jumpTo(0);
    assert.equal(limiter.take("a"), 250, "a wall clock that jumps changes nothing");
  });

  test("[B1] 0 a second switches it off", () => {
    const limiter = new RateLimiter({ perSecond: 0, burst: 1 }, new ManualClock());
    for (let index = 0; index < 10_000; index++) assert.equal(limiter.take("a"), 0);
  });

  test("[B1] keys are bounded: over 100,000 the oldest are forgiven, and nobody new is locked out", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, new ManualClock());
    for (let index = 0; index < 100_001; index++) assert.equal(limiter.take(`key ${index}`), 0);
    assert.equal(limiter.take("key 0"), 0, "forgotten, so it starts anew");
    assert.equal(limiter.take("key 100000"), 1_000, "the newest is still known");
  });

  test("[B3] handshakes of one address beyond the limit are a 429 with Retry-After; other addresses pass", async () => {
    await using suda = await TestServer.open({ limits: { connects: { perSecond: 0.5, burst: 2 } } });
    for (let index = 0; index < 2; index++) await (await suda.connectSilently())[Symbol.asyncDispose]();
    await assert.rejects(
      suda.connectSilently(),
      (error) => error instanceof HandshakeRefused && error.status === 429 && error.body.includes('"retryAfterMs":2000'),
    );
    await (await suda.connectSilently({ address: "127.0.0.2" }))[Symbol.asyncDispose]();
    suda.clock.advance(2_000);
    await (await suda.connectSilently())[Symbol.asyncDispose]();
  });

  test("[B4] requests of one address beyond the limit are a 429 with Retry-After; API keys are not limited", async () => {
    await using suda = await TestServer.open({ limits: { requests: { perSecond: 0.5, burst: 2 } } });
    const alice = suda.as("alice");
    for (let index = 0; index < 2; index++) assert.equal((await alice.get("/v1/conversations")).status, 200);
    const refused = await alice.get("/v1/conversations");
    assert.deepEqual([refused.status, refused.headers.get("retry-after"), (refused.body as { code: string }).code], [429, "2", "rate.limited"]);
    for (let index = 0; index < 10; index++)
      assert.equal((await suda.http({ authorization: `Bearer ${testApiKey}` }).get("/v1/conversations/none")).status, 404);
    suda.clock.advance(2_000);
    assert.equal((await alice.get("/v1/conversations")).status, 200);
  });
});
