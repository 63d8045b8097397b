import { equal } from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@suda/testing";
import { retryAfterMs } from "./retry-after.ts";

test("Retry-After is seconds or a date, within a day; what is illegible says nothing", () => {
  const clock = new ManualClock(Date.parse("Wed, 21 Oct 2026 07:28:00 GMT"));
  equal(retryAfterMs("0", clock), 0);
  equal(retryAfterMs("120", clock), 120_000);
  equal(retryAfterMs(" 5 ", clock), 5_000);
  equal(retryAfterMs("86401", clock), 86_400_000);
  equal(retryAfterMs("Wed, 21 Oct 2026 07:28:30 GMT", clock), 30_000);
  equal(retryAfterMs("Wed, 21 Oct 2026 07:27:00 GMT", clock), 0);
  for (const header of [undefined, "", "-1", "1.5", "soon", "9999999999", "Wed, nonsense", ["1", "2"]]) equal(retryAfterMs(header, clock), undefined);
});
