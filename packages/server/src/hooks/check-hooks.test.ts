/** Hooks that can never be called are refused when the server is made, and not by the first message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newWebhookSecret } from "@suda/protocol";
import { TestServer } from "@suda/testing";
import { HookOptionsError } from "./check-hooks.ts";

const secrets = [newWebhookSecret()];
const open = async (hooks: object, allow: readonly string[] = []): Promise<void> => {
  await using _suda = await TestServer.open({ hooks, outgoing: { allow: [...allow] } });
};
const hook = (): void => {};

test("[W17] a hook's URL is judged at the start as when it is called: scheme, form, user-info, an address that is written out", async () => {
  const long = `https://example.com/${"x".repeat(2_000 - "https://example.com/".length)}`;
  for (const url of ["https://example.com/hook", "https://example.com:8443/hook?key=1", long]) await open({ beforeSend: { hook: { url, secrets } } });
  await open({ afterCommit: { hook: { url: "http://127.0.0.1:9/hook", secrets } } }, ["127.0.0.0/8"]);
  const wrong: readonly (readonly [url: string, problem: RegExp])[] = [
    ["", /cannot be read/],
    ["example.com/hook", /cannot be read/],
    ["ftp://example.com/hook", /not https/],
    ["http://example.com/hook", /not https/],
    ["https:example.com", /no \/\//],
    ["https://user:hunter2@example.com/", /user name or password/],
    ["https://example.com/#part", /fragment/],
    ["https://example.com/a b", /space/],
    ["https://example.com:9000/", /port is 9000/],
    ["https://127.0.0.1/", /not public/],
    ["https://169.254.169.254/latest", /not public/],
    [`${long}x`, /2000 characters/],
  ];
  for (const [url, problem] of wrong)
    for (const name of ["beforeSend", "afterCommit"] as const)
      await assert.rejects(open({ [name]: { hook: { url, secrets } } }), (error) => {
        assert.ok(error instanceof HookOptionsError, String(error));
        assert.equal(error.hook, name);
        assert.match(error.message, problem, url);
        assert.doesNotMatch(error.message, /hunter2|169\.254/);
        return true;
      });
});

test("[W17] what is no hook, bounds that are none and secrets that cannot sign are refused", async () => {
  const url = "https://example.com/";
  for (const hooks of [
    { beforeSend: { hook, timeoutMs: 1, onFailure: "allow" } },
    { beforeSend: { hook, timeoutMs: 60_000, onFailure: "refuse" }, afterCommit: { hook, timeoutMs: 60_000 } },
    { beforeSend: undefined },
  ])
    await open(hooks);
  for (const [hooks, problem] of [
    [{ beforeSend: hook }, /not \{ hook: … \} but a function/],
    [{ beforeSend: null }, /not \{ hook/],
    [{ beforeSend: {} }, /neither a function nor/],
    [{ afterCommit: { hook: url } }, /neither a function nor/],
    [{ afterCommit: { hook: { secrets } } }, /neither a function nor/],
    [{ afterCommit: { hook, onFailure: "allow" } }, /onFailure is none of hook, timeoutMs/],
    [{ beforeSend: { hook, timeout: 5 } }, /timeout is none of/],
    [{ beforeSend: { hook, onFailure: "ignore" } }, /neither refuse nor allow/],
    [{ beforeSend: { hook: { url, secrets: [] } } }, /secrets are not/],
    [{ beforeSend: { hook: { url, secrets: ["whsec_short"] } } }, /secrets are not/],
    ...[0, 60_001, 1.5, "5"].map((timeoutMs) => [{ beforeSend: { hook, timeoutMs } }, /timeoutMs is not an integer from 1 to 60000/] as const),
  ] as const)
    await assert.rejects(open(hooks), (error) => error instanceof HookOptionsError && problem.test(error.message));
});
