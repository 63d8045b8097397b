import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { defaultServerLimits } from "@suda/server";
import { CommandError } from "../command-error.ts";
import { readEnvironment } from "./environment.ts";
import { loadConfig } from "./load-config.ts";
import { configTable, effectiveConfig, environmentTemplate } from "./print-config.ts";
import { settingNames, settings, variableOf } from "./settings.ts";

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "suda-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function refusal(run: () => unknown): CommandError {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  return assert.fail("nothing was refused");
}

test("a flag is stronger than the environment, that than the file, that than the default", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "suda.config.json"), JSON.stringify({ port: 1, host: "::1", data: "kept", logLevel: "error" }));
  const environment = readEnvironment({ SUDA_PORT: "2", SUDA_HOST: "127.0.0.2" });
  const { config, sources } = loadConfig({ environment, flags: { port: "3" }, directory });
  assert.deepEqual([config.port, sources.port], [3, "--port"]);
  assert.deepEqual([config.host, sources.host], ["127.0.0.2", "SUDA_HOST"]);
  assert.deepEqual([config.logLevel, sources.logLevel], ["error", "suda.config.json"]);
  assert.deepEqual([config.store, sources.store], ["lmdb", "default"]);
  assert.equal(config.data, join(directory, "kept"), "a path of the file starts where the file is");
});

test("an unknown key is refused with what was probably meant, in the file and in the environment", (t) => {
  const directory = temporaryDirectory(t);
  assert.match(refusal(() => loadConfig({ environment: readEnvironment({ SUDA_PROT: "1" }), flags: {}, directory })).fix, /Did you mean SUDA_PORT\?/);
  writeFileSync(join(directory, "suda.config.json"), JSON.stringify({ alowedOrigins: [] }));
  const error = refusal(() => loadConfig({ environment: readEnvironment({}), flags: {}, directory }));
  assert.equal(error.exitCode, 2);
  assert.match(error.fix, /Did you mean allowedOrigins\?/);
});

test("a value outside of its bounds is refused and named by where it stands", (t) => {
  const directory = temporaryDirectory(t);
  const refused = (variables: Record<string, string>): string =>
    refusal(() => loadConfig({ environment: readEnvironment(variables), flags: {}, directory })).message;
  assert.match(refused({ SUDA_PORT: "65536" }), /^SUDA_PORT must be 0 to 65535/);
  assert.match(refused({ SUDA_PORT: "http" }), /not an integer/);
  assert.match(refused({ SUDA_DRAIN_TIMEOUT_MS: "1 week" }), /not a time/);
  assert.match(refused({ SUDA_LOG_LEVEL: "loud" }), /one of debug, info/);
  assert.match(refused({ SUDA_ALLOWED_ORIGINS: "https://a.example/path" }), /not an origin/);
  assert.match(refused({ SUDA_TRUSTED_PROXIES: "10.0.0.0/33" }), /not an IP address/);
  assert.match(refused({ SUDA_TOKEN_SECRET: "short" }), /32 bytes/);
});

test("a bad API key is refused without being repeated", (t) => {
  const environment = readEnvironment({ SUDA_API_KEYS: "backend:hunter2" });
  const error = refusal(() => loadConfig({ environment, flags: {}, directory: temporaryDirectory(t) }));
  assert.doesNotMatch(error.message + error.fix, /hunter2/);
});

test("times take units and lists take commas or JSON arrays", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "x.json"), JSON.stringify({ trustedProxies: ["::1"], drainTimeoutMs: "2s" }));
  const environment = readEnvironment({ SUDA_ALLOWED_ORIGINS: "https://a.example, http://localhost:5173" });
  const { config } = loadConfig({ environment, flags: {}, file: "x.json", directory });
  assert.deepEqual(config.allowedOrigins, ["https://a.example", "http://localhost:5173"]);
  assert.deepEqual(config.trustedProxies, ["::1"]);
  assert.equal(config.drainTimeoutMs, 2_000);
});

test("a file that was named must be there, and must be JSON", (t) => {
  const directory = temporaryDirectory(t);
  const load = (): unknown => loadConfig({ environment: readEnvironment({ SUDA_CONFIG: "x.json" }), flags: {}, directory });
  assert.match(refusal(load).message, /cannot be read \(ENOENT\)/);
  writeFileSync(join(directory, "x.json"), "{port: 1}");
  assert.match(refusal(load).message, /is not JSON/);
});

test("what is printed names every setting and shows no secret", (t) => {
  const secret = "a-secret-of-more-than-thirty-two-bytes!";
  const environment = readEnvironment({ SUDA_TOKEN_SECRET: secret, SUDA_API_KEYS: `backend:${secret}` });
  const loaded = loadConfig({ environment, flags: {}, directory: temporaryDirectory(t) });
  const effective = effectiveConfig(loaded);
  assert.doesNotMatch(effective, /a-secret/);
  assert.match(effective, /tokenSecret +•+ \(set\)/);
  for (const name of settingNames) {
    assert.ok(configTable().includes(`| \`${name}\` |`) && effective.includes(name) && environmentTemplate().includes(`${variableOf(name)}=`), name);
  }
});

test("a password in the address of Redis is masked wherever settings are shown, and refused as a flag", (t) => {
  const directory = temporaryDirectory(t);
  const secret = "hunter2-of-redis";
  const urls = [`redis://suda:${secret}@redis:6379/0`, `rediss://:${secret}@redis`, `redis://suda:${secret}@with@ats/and/slashes@redis`];
  for (const url of urls) {
    const loaded = loadConfig({ environment: readEnvironment({ SUDA_REDIS_URL: url }), flags: {}, directory });
    assert.equal(loaded.config.redisUrl, url);
    assert.match(effectiveConfig(loaded), /^redisUrl +rediss?:\/\/(suda)?:••••••@redis/m);
    assert.doesNotMatch(effectiveConfig(loaded), /hunter2|ats|slashes/);
    const error = refusal(() => loadConfig({ environment: readEnvironment({}), flags: { redisUrl: url }, directory }));
    assert.match(`${error.message} ${error.fix}`, /^--redis-url holds a password Set SUDA_REDIS_URL/);
    assert.doesNotMatch(error.message + error.fix, /hunter2/);
  }
  const sentinels = `redis+sentinel://s1,s2/m?sentinel-password=${secret}`;
  assert.match(
    effectiveConfig(loadConfig({ environment: readEnvironment({ SUDA_REDIS_URL: sentinels }), flags: {}, directory })),
    /^redisUrl +redis\+sentinel:\/\/s1,s2\/m\?•••••• /m,
  );
  const unmeant = refusal(() => loadConfig({ environment: readEnvironment({ SUDA_REDIS_URL: `http://suda:${secret}@redis` }), flags: {}, directory }));
  assert.doesNotMatch(unmeant.message + unmeant.fix, /hunter2/);
  const { config } = loadConfig({ environment: readEnvironment({}), flags: { layer: "redis", redisUrl: "redis://suda@redis:6379" }, directory });
  assert.deepEqual([config.layer, config.redisUrl, config.redisPrefix], ["redis", "redis://suda@redis:6379", "suda"]);
});

test("Korean is chosen by the first locale variable that is set", () => {
  assert.equal(readEnvironment({ LANG: "ko_KR.UTF-8" }).language, "ko");
  assert.equal(readEnvironment({ LANG: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" }).language, "en");
  assert.equal(readEnvironment({ LANG: "ko_KR.UTF-8", LC_ALL: "" }).language, "ko");
  assert.equal(readEnvironment({}).language, "en");
});

test("the defaults of limits are the server's own", () => {
  const { maxConnections, maxMembers, commands, connects, requests } = defaultServerLimits;
  assert.deepEqual(
    [settings.maxConnections.default, settings.maxMembers.default, settings.commandsPerSecond.default, settings.commandsBurst.default],
    [maxConnections, maxMembers, commands.perSecond, commands.burst],
  );
  assert.deepEqual(
    [settings.connectsPerSecond.default, settings.connectsBurst.default, settings.requestsPerSecond.default, settings.requestsBurst.default],
    [connects.perSecond, connects.burst, requests.perSecond, requests.burst],
  );
});
