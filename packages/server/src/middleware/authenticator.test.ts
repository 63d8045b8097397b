/** Whose token or key this is, and every forgery of RFC 8725 that must not pass. */
import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { SudaError } from "@suda/protocol";
import { ManualClock, signTestToken, testApiKey, testTokenSecret } from "@suda/testing";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { Authenticator, type AuthenticatorOptions, type TokenKey } from "./authenticator.ts";

const clock = new ManualClock();
const now = clock.now() / 1_000;
const exp = now + 60;
const hs256: TokenKey = { algorithms: ["HS256"], secret: testTokenSecret };

const authenticator = (tokenKeys: readonly TokenKey[] = [hs256], more: Partial<AuthenticatorOptions> = {}): Authenticator =>
  new Authenticator({ tokenKeys, clock, ...more });

async function codeOf(going: Promise<unknown>): Promise<string> {
  try {
    await going;
    return "ok";
  } catch (error) {
    if (error instanceof SudaError) return error.code;
    throw error;
  }
}

async function keyPair(
  algorithm: string,
): Promise<{ readonly sign: (claims?: object, header?: object) => Promise<string>; readonly jwk: JWK; readonly publicKey: CryptoKey }> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return {
    publicKey,
    jwk: await exportJWK(publicKey),
    sign: (claims = {}, header = {}) => new SignJWT({ sub: "alice", exp, ...claims }).setProtectedHeader({ alg: algorithm, ...header }).sign(privateKey),
  };
}

/** A server of key sets on loopback; what it answers can be changed. */
async function serveJwks(): Promise<{ url: string; answer: { status: number; body: string }; requests: number; close: () => Promise<void> }> {
  const served = { url: "", answer: { status: 200, body: "" }, requests: 0, close: async () => {} };
  const server = createServer((_request, response) => {
    served.requests++;
    response.writeHead(served.answer.status, { "content-type": "application/json" }).end(served.answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  served.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return served;
}

describe("authenticator", () => {
  test("[H5] a good token speaks for its sub until its exp", async () => {
    assert.deepEqual(await authenticator().user(signTestToken({ sub: "alice@example.com", exp })), {
      kind: "user",
      user: "alice@example.com",
      expiresAt: exp * 1_000,
    });
  });

  test("[H5] claims that are missing or wrong", async () => {
    const strict = authenticator([hs256], { audience: "suda", issuer: "https://host.example" });
    const good = { sub: "alice", exp, aud: "suda", iss: "https://host.example" };
    const judge = (claims: object): Promise<string> => codeOf(strict.user(signTestToken(claims)));
    assert.equal(await judge(good), "ok");
    assert.equal(await judge({ ...good, aud: ["other", "suda"], nbf: now, iat: now }), "ok");
    for (const wrong of [
      { aud: "other" },
      { aud: undefined },
      { iss: "https://host.example/" },
      { iss: undefined },
      { sub: undefined },
      { exp: undefined },
      { exp: "soon" },
      { sub: 5 },
      { sub: "" },
      { sub: "~system" },
      { sub: "~" },
      { sub: "alice smith" },
      { sub: "alice\n" },
      { sub: "a".repeat(129) },
      { nbf: now + 60 },
    ])
      assert.equal(await judge({ ...good, ...wrong }), "auth.invalid", JSON.stringify(wrong));
    assert.equal(await judge({ ...good, exp: now - 6 }), "auth.expired");
    assert.equal(await judge({ ...good, exp: now - 4 }), "ok", "two clocks may differ by 5 seconds");
  });

  test("[H5] alg none, another algorithm, a broken form, and a changed body", async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const good = signTestToken({ sub: "alice", exp });
    const [header = "", , signature = ""] = good.split(".");
    for (const token of [
      `${part({ alg: "none" })}.${part({ sub: "alice", exp })}.`,
      `${part({ alg: "NONE" })}.${part({ sub: "alice", exp })}.${signature}`,
      `${part({ typ: "JWT" })}.${part({ sub: "alice", exp })}.${signature}`,
      `${header}.${part({ sub: "bob", exp })}.${signature}`,
      `${header}.${part({ sub: "alice", exp })}.`,
      signTestToken({ sub: "alice", exp }, { header: { alg: "HS384" } }),
      good.slice(0, -2),
      `${good}.x`,
      "",
      ".",
      "..",
      "a.b.c",
      "가.나.다",
      Buffer.from(good).toString("base64url"),
      JSON.stringify({ protected: header, payload: part({ sub: "alice", exp }), signature }),
    ])
      assert.equal(await codeOf(authenticator().user(token)), "auth.invalid", token);
    assert.equal(await codeOf(authenticator().user(good)), "ok");
  });

  test("[H5] crit, kid as a path or a query, jku, jwk and x5u in the header are not followed", async () => {
    const mallory = await keyPair("ES256");
    assert.equal(await codeOf(authenticator().user(signTestToken({ sub: "alice", exp }, { header: { crit: ["x"], x: 1 } }))), "auth.invalid");
    for (const kid of ["../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "http://127.0.0.1:1/k"])
      assert.equal(
        await codeOf(authenticator().user(signTestToken({ sub: "alice", exp }, { header: { kid }, secret: new Uint8Array(32) }))),
        "auth.invalid",
        kid,
      );
    for (const header of [{ jwk: mallory.jwk }, { jku: "http://127.0.0.1:1/" }, { x5u: "http://127.0.0.1:1/" }]) {
      const token = await mallory.sign({}, header);
      assert.equal(
        await codeOf(authenticator([hs256, { algorithms: ["ES256"], jwk: (await keyPair("ES256")).jwk }]).user(token)),
        "auth.invalid",
        JSON.stringify(header),
      );
    }
  });

  test("[H5] a public key is never a secret: HS256 signed with the RS256 key is refused", async () => {
    const { jwk, publicKey, sign } = await keyPair("RS256");
    const both = authenticator([hs256, { algorithms: ["RS256"], jwk }]);
    assert.equal(await codeOf(both.user(await sign())), "ok");
    const unsigned = signTestToken({ sub: "alice", exp }).split(".").slice(0, 2).join(".");
    const forms = [
      await exportSPKI(publicKey),
      JSON.stringify(jwk),
      jwk.n ?? "",
      createPublicKey({ key: jwk as never, format: "jwk" }).export({ type: "spki", format: "der" }),
    ];
    for (const secret of forms) {
      const token = `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
      assert.equal(await codeOf(both.user(token)), "auth.invalid");
    }
    assert.throws(() => authenticator([{ algorithms: ["RS256", "HS256"], jwk }]), TypeError);
    assert.throws(() => authenticator([{ algorithms: ["RS256"], secret: testTokenSecret }]), TypeError);
  });

  test("[H5] RS256, PS256, ES256 and EdDSA with a JWK; another key of the same kind is refused", async () => {
    for (const algorithm of ["RS256", "PS256", "ES256", "ES384", "EdDSA"]) {
      const [ours, theirs] = [await keyPair(algorithm), await keyPair(algorithm)];
      const verifier = authenticator([{ algorithms: [algorithm], jwk: ours.jwk }]);
      assert.equal(await codeOf(verifier.user(await ours.sign())), "ok", algorithm);
      assert.equal(await codeOf(verifier.user(await theirs.sign())), "auth.invalid", algorithm);
      assert.equal(await codeOf(verifier.user(await ours.sign({ exp: now - 60 }))), "auth.expired", algorithm);
    }
  });

  test("several keys: each is tried with its own algorithms; a kid chooses among those that have one", async () => {
    const old: TokenKey = { algorithms: ["HS256"], secret: new TextEncoder().encode("the key before, 32 bytes or more."), kid: "old" };
    const rotating = authenticator([old, { ...hs256, kid: "new" }]);
    const sign = (secret: Uint8Array, kid?: string): string => signTestToken({ sub: "alice", exp }, { secret, header: kid === undefined ? {} : { kid } });
    const oldSecret = (old as { secret: Uint8Array }).secret;
    for (const token of [sign(oldSecret, "old"), sign(testTokenSecret, "new"), sign(oldSecret), sign(testTokenSecret)])
      assert.equal(await codeOf(rotating.user(token)), "ok");
    for (const token of [sign(oldSecret, "new"), sign(testTokenSecret, "other")]) assert.equal(await codeOf(rotating.user(token)), "auth.invalid");
  });

  test("keys that cannot be meant are refused when the server is made", () => {
    for (const key of [
      { algorithms: ["HS256"], secret: new Uint8Array(31) },
      { algorithms: [], secret: testTokenSecret },
      { algorithms: ["none"], secret: testTokenSecret },
      { algorithms: ["HS256"], jwksUrl: "http://127.0.0.1/" },
      { algorithms: ["RS256"], jwk: { kty: "oct", k: "AAAA" } },
    ] satisfies TokenKey[])
      assert.throws(() => authenticator([key]), TypeError, JSON.stringify(key));
    assert.throws(() => authenticator([hs256], { apiKeys: [{ name: "short", key: "x".repeat(31) }] }), /"short"/);
  });

  test("API keys are found by their whole text and are no tokens", async () => {
    const backend = authenticator([hs256], {
      apiKeys: [
        { name: "one", key: testApiKey },
        { name: "two", key: "y".repeat(32) },
      ],
    });
    assert.deepEqual(backend.backend(testApiKey), { kind: "backend", keyName: "one" });
    assert.deepEqual(backend.backend("y".repeat(32)), { kind: "backend", keyName: "two" });
    for (const key of ["", testApiKey.slice(0, -1), `${testApiKey} `, testApiKey.toUpperCase()]) assert.equal(backend.backend(key), undefined, key);
    assert.equal(await codeOf(backend.user(testApiKey)), "auth.invalid");
  });

  test("[H5] a JWKS address: fetched when first needed, kept, chosen by kid", async () => {
    const jwks = await serveJwks();
    const [one, other, stranger] = [await keyPair("ES256"), await keyPair("ES256"), await keyPair("ES256")];
    jwks.answer.body = JSON.stringify({
      keys: [
        { ...one.jwk, kid: "1" },
        { ...other.jwk, kid: "2" },
      ],
    });
    const verifier = authenticator([{ algorithms: ["ES256"], jwksUrl: jwks.url }]);
    assert.equal(jwks.requests, 0);
    for (const [pair, kid, expected] of [
      [one, "1", "ok"],
      [other, "2", "ok"],
      [other, "1", "auth.invalid"],
      [stranger, "1", "auth.invalid"],
      [stranger, "3", "auth.invalid"],
    ] as const)
      assert.equal(await codeOf(verifier.user(await pair.sign({}, { kid }))), expected, kid);
    assert.equal(jwks.requests, 1, "kept, and not fetched again for a kid that is made up");
    await jwks.close();
  });

  test("[D11] a JWKS address that cannot be read is a fault of the moment, not of the token", async () => {
    const jwks = await serveJwks();
    const pair = await keyPair("ES256");
    const token = await pair.sign({}, { kid: "1" });
    const verifier = authenticator([{ algorithms: ["ES256"], jwksUrl: jwks.url }]);
    for (const answer of [
      { status: 503, body: "" },
      { status: 200, body: "nonsense" },
      { status: 200, body: "{}" },
    ]) {
      jwks.answer = answer;
      assert.equal(await codeOf(verifier.user(token)), "server.busy", JSON.stringify(answer));
    }
    jwks.answer = { status: 200, body: JSON.stringify({ keys: [{ ...pair.jwk, kid: "1" }] }) };
    assert.equal(await codeOf(verifier.user(token)), "ok", "and when it can be read again, it is good");
    await jwks.close();
    assert.equal(await codeOf(authenticator([{ algorithms: ["ES256"], jwksUrl: jwks.url }]).user(token)), "server.busy", "nobody listens");
  });
});
