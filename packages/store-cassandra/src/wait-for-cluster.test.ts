import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreOpenError } from "@suda/server/store";
import { errors, types } from "cassandra-driver";
import { whenClusterIsReady } from "./wait-for-cluster.ts";

const refusal = (code: number, message: string): Error => new errors.ResponseError(code, message);
const { unavailableException, readFailure, invalid, syntaxError, badCredentials } = types.responseErrorCodes;

/** Fails with each of them, then succeeds. */
function failing(...failures: readonly Error[]): { readonly attempt: () => Promise<string>; readonly tries: () => number } {
  let count = 0;
  return {
    attempt: async () => {
      const failure = failures[count++];
      if (failure !== undefined) throw failure;
      return "done";
    },
    tries: () => count,
  };
}

test("a cluster that is not ready yet is asked again, and what it says is told once", async () => {
  const unavailable = refusal(unavailableException, "Not enough replicas");
  // The other replicas of a table that was made a moment ago.
  const failed = refusal(readFailure, "Server failure during read query");
  const invalidTable = refusal(invalid, "unconfigured table suda_schema");
  const { attempt } = failing(new StoreOpenError("unreachable", "nobody there"), unavailable, unavailable, failed, invalidTable);
  const reasons: string[] = [];
  assert.equal(await whenClusterIsReady(attempt, { waitMs: 60_000, onWait: (reason) => reasons.push(reason) }), "done");
  assert.deepEqual(reasons, [
    "nobody there",
    "Cassandra is not ready: Not enough replicas",
    "Cassandra is not ready: Server failure during read query",
    "Cassandra is not ready: unconfigured table suda_schema",
  ]);
});

test("it is not waited for without waitMs, and not beyond it", async () => {
  const never = (): Promise<never> => Promise.reject(refusal(unavailableException, "Not enough replicas"));
  for (const waitMs of [0, 50]) {
    const startedAt = performance.now();
    await assert.rejects(whenClusterIsReady(never, { waitMs }), { name: "StoreOpenError", code: "unreachable" });
    assert.ok(performance.now() - startedAt >= waitMs);
  }
});

test("what waiting does not change fails at once, as it is", async () => {
  for (const failure of [
    new StoreOpenError("newer_version", "newer"),
    refusal(badCredentials, "no"),
    refusal(syntaxError, "line 1"),
    refusal(invalid, "Invalid STRING constant"),
    new TypeError("ours"),
  ]) {
    const { attempt, tries } = failing(failure);
    await assert.rejects(whenClusterIsReady(attempt, { waitMs: 60_000 }), failure);
    assert.equal(tries(), 1);
  }
});
