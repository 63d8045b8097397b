/**
 * Every setting of Suda: one row gives its flag, its environment variable, its key in the file, its bounds and
 * its line in `suda config doc`. Names are the keys of the file; `logLevel` is `SUDA_LOG_LEVEL` and `--log-level`.
 *
 * The defaults of limits are `defaultServerLimits` of @suda/server; a test holds them equal, because importing
 * them would load the whole server for `suda token`.
 */
import { maskRedisUrl, redisUrlProblem } from "./redis-url.ts";
import { addressProblem, calledUrlProblem, choice, duration, integer, list, outgoingAddressProblem, text, urlProblem, type Setting } from "./setting.ts";

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly store: "lmdb" | "memory" | "cassandra";
  readonly cassandraContactPoints: readonly string[];
  readonly cassandraDataCenter: string;
  readonly cassandraKeyspace: string;
  readonly cassandraUser: string | undefined;
  readonly cassandraPassword: string | undefined;
  readonly cassandraTls: "off" | "on";
  readonly cassandraTlsCa: string | undefined;
  readonly layer: "memory" | "redis";
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly nodeName: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly tokenSecret: string | undefined;
  readonly tokenKeys: string | undefined;
  readonly tokenJwksUrl: string | undefined;
  readonly tokenAudience: string | undefined;
  readonly tokenIssuer: string | undefined;
  readonly apiKeys: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly outgoingAllow: readonly string[];
  readonly outgoingRefuse: readonly string[];
  readonly hooksModule: string | undefined;
  readonly beforeSendUrl: string | undefined;
  readonly beforeSendTimeoutMs: number;
  readonly beforeSendOnFailure: "refuse" | "allow";
  readonly afterCommitUrl: string | undefined;
  readonly hookSecret: string | undefined;
  readonly maxConnections: number;
  readonly maxMembers: number;
  readonly commandsPerSecond: number;
  readonly commandsBurst: number;
  readonly connectsPerSecond: number;
  readonly connectsBurst: number;
  readonly requestsPerSecond: number;
  readonly requestsBurst: number;
  readonly drainTimeoutMs: number;
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly apiKey: string | undefined;
}

export const settings: { readonly [Name in keyof Config]: Setting<Config[Name]> } = {
  host: text({ default: "127.0.0.1", doc: "Address to listen on. `0.0.0.0` takes connections from everywhere: put a TLS proxy before it." }),
  port: integer({ default: 8000, min: 0, max: 65_535, doc: "Port to listen on; 0 means any free one." }),
  data: text({ default: "./suda-data", isPath: true, doc: "Data directory: the store and, unless keys are configured, the token key. Local disk only." }),
  store: choice({
    choices: ["lmdb", "memory", "cassandra"],
    default: "lmdb",
    doc: "Where messages are kept. `cassandra`: for several nodes; needs the package `cassandra-driver`, and `suda store init` once. `memory` forgets everything at exit: for tests.",
  }),
  cassandraContactPoints: list({
    default: ["127.0.0.1:9042"],
    accepts: "`host` or `host:port`",
    doc: "Nodes of Cassandra that are asked for all others. One that answers is enough; name two or three.",
    problem: (element) =>
      /^(?:[\w.-]{1,253}|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(element) ? undefined : `holds "${element}", which is not a host with or without a port`,
  }),
  cassandraDataCenter: text({
    default: "datacenter1",
    accepts: "1–64 of `A–Z a–z 0–9 . _ -`",
    doc: "Cassandra's data center whose replicas decide. All nodes of Suda that write to a keyspace name the same one.",
    problem: (value) => (/^[\w.-]{1,64}$/.test(value) ? undefined : "must be 1–64 of A–Z a–z 0–9 . _ -"),
  }),
  cassandraKeyspace: text({
    default: "suda",
    accepts: "1–48 of `A–Z a–z 0–9 _`",
    doc: "Keyspace of Cassandra, made by `suda store init`.",
    problem: (value) => (/^\w{1,48}$/.test(value) ? undefined : "must be 1–48 of A–Z a–z 0–9 _"),
  }),
  cassandraUser: text({ doc: "Who Suda is in Cassandra, with `cassandraPassword`. Without it: nobody in particular." }),
  cassandraPassword: text({ isSecret: true, doc: "Password of `cassandraUser`." }),
  cassandraTls: choice({ choices: ["off", "on"], default: "off", doc: "Whether the connections to Cassandra are encrypted, and its certificates checked." }),
  cassandraTlsCa: text({ isPath: true, doc: "File with the certificates (PEM) that Cassandra's must be signed by. Without it: the system's." }),
  layer: choice({
    choices: ["memory", "redis"],
    default: "memory",
    doc: "What carries events between connections. `memory`: one process. `redis`: several nodes on one store; needs the package `@redis/client`.",
  }),
  redisUrl: text({
    default: "redis://127.0.0.1:6379",
    accepts: "`redis://user:password@host:6379`, several hosts of a Cluster after commas, `redis+sentinel://s1,s2,s3/mymaster`; `rediss…` with TLS",
    doc: "Redis of the layer. A password is percent-encoded, masked wherever this is shown, and has no place in a flag.",
    problem: redisUrlProblem,
    mask: maskRedisUrl,
    flagProblem: (value) => (maskRedisUrl(value) === value ? undefined : "holds a password"),
  }),
  redisPrefix: text({
    default: "suda",
    accepts: "1–40 of `A–Z a–z 0–9 . _ -`",
    doc: "In front of every name in Redis. Systems that share a Redis must have different ones.",
    problem: (value) => (/^[A-Za-z0-9._-]{1,40}$/.test(value) ? undefined : "must be 1–40 of A–Z a–z 0–9 . _ -"),
  }),
  nodeName: text({
    accepts: "1–64 of `A–Z a–z 0–9 . _ -`",
    doc: "What this node is called in logs, `/readyz` and metrics. Without it: the machine's name and four random characters.",
    problem: (value) => (/^[A-Za-z0-9._-]{1,64}$/.test(value) ? undefined : "must be 1–64 of A–Z a–z 0–9 . _ -"),
  }),
  logLevel: choice({
    choices: ["debug", "info", "warn", "error", "silent"],
    default: "info",
    developmentDefault: "warn",
    doc: "What is logged, as JSON lines on standard error.",
  }),
  tokenSecret: text({
    isSecret: true,
    accepts: "text of 32 bytes or more",
    doc: "Secret with which your backend signs users' tokens (HS256). Replaces the data directory's key.",
    problem: (value) => (Buffer.byteLength(value) < 32 ? "must have 32 bytes or more (RFC 7518 §3.2)" : undefined),
  }),
  tokenKeys: text({ isPath: true, doc: "File with a JWK set of public keys (RS256, ES256, EdDSA) that check users' tokens." }),
  tokenJwksUrl: text({
    accepts: "https URL",
    doc: "URL of a JWK set that checks users' tokens; fetched when needed, kept, and fetched again when a key is new.",
    problem: (value) => (/^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(value) ? undefined : urlProblem(value, ["https:"])),
  }),
  tokenAudience: text({ doc: "The `aud` that a token must carry; without it any is taken." }),
  tokenIssuer: text({ doc: "The `iss` that a token must carry; without it any is taken." }),
  apiKeys: list({
    isSecret: true,
    default: [],
    accepts: "`name:key`, keys of 32 characters or more",
    doc: "Keys with which your backend calls `/v1`.",
    // The value itself stays out of the sentence: it would show a secret.
    problem: (element) => (/^[A-Za-z0-9_-]{1,32}:.{32,}$/.test(element) ? undefined : "holds one that is not name:key with a key of 32 characters or more"),
  }),
  allowedOrigins: list({
    default: [],
    accepts: "origins such as `https://app.example.com`, or `*`",
    doc: "Pages from which browsers may connect. Empty: only pages of this server itself.",
    problem: (element) =>
      element === "*" || (URL.canParse(element) && new URL(element).origin === element)
        ? undefined
        : `holds "${element}", which is not an origin (scheme, host and port, nothing after)`,
  }),
  trustedProxies: list({
    default: [],
    accepts: "addresses or ranges such as `10.0.0.0/8`",
    doc: "Proxies whose `X-Forwarded-For` is believed.",
    problem: addressProblem,
  }),
  outgoingAllow: list({
    default: [],
    accepts: "addresses or ranges such as `10.1.0.0/16`, `10.1.2.3:8080`, `[fd00::1]:8080`",
    doc: "Addresses that webhooks may call although they are not public, also by http.",
    problem: outgoingAddressProblem,
  }),
  outgoingRefuse: list({
    default: [],
    accepts: "addresses or ranges",
    doc: "Addresses that webhooks may not call although they are public; stronger than `outgoingAllow`.",
    problem: addressProblem,
  }),
  hooksModule: text({ isPath: true, doc: "Module that exports `hooks`: functions of yours that are asked before a send and told after a commit." }),
  beforeSendUrl: text({
    accepts: "https URL",
    doc: "Webhook that is asked before a message is stored. Needs `hookSecret`.",
    problem: calledUrlProblem,
  }),
  beforeSendTimeoutMs: duration({ default: 1_000, minMs: 1, maxMs: 60_000, doc: "How long `beforeSendUrl` has for its answer." }),
  beforeSendOnFailure: choice({
    choices: ["refuse", "allow"],
    default: "refuse",
    doc: "What becomes of a message when `beforeSendUrl` does not answer well.",
  }),
  afterCommitUrl: text({
    accepts: "https URL",
    doc: "Webhook that is told of every event of every conversation. Needs `hookSecret`.",
    problem: calledUrlProblem,
  }),
  hookSecret: text({ isSecret: true, accepts: "`whsec_…`", doc: "Secret that signs the calls of `beforeSendUrl` and `afterCommitUrl`." }),
  maxConnections: integer({
    default: 100_000,
    min: 1,
    max: 1_000_000,
    doc: "WebSocket connections at once; beyond it new ones are refused. Each needs an open file (`ulimit -n`).",
  }),
  maxMembers: integer({ default: 5_000, min: 2, max: 100_000, doc: "Members of one group." }),
  commandsPerSecond: rate(50, "Commands of one user over all their connections, steadily."),
  commandsBurst: burst(200, "Commands of one user at once."),
  connectsPerSecond: rate(20, "New connections of one address, steadily."),
  connectsBurst: burst(200, "New connections of one address at once."),
  requestsPerSecond: rate(50, "HTTP requests of one address without an API key, steadily."),
  requestsBurst: burst(200, "HTTP requests of one address at once."),
  drainTimeoutMs: duration({ default: 10_000, minMs: 0, maxMs: 300_000, doc: "How long a stopping server lets connections finish." }),
  url: text({
    accepts: "ws, wss, http or https URL",
    doc: "`suda chat`, `suda webhooks`, `suda hooks`: the server. Without it, the one that runs on the data directory, else `ws://127.0.0.1:8000`.",
    problem: (value) => urlProblem(value, ["ws:", "wss:", "http:", "https:"]),
  }),
  token: text({ isSecret: true, doc: "`suda chat`: the user's token. Without it one is signed with the data directory's key." }),
  apiKey: text({ isSecret: true, doc: "`suda webhooks`, `suda hooks`: a key of the server's `apiKeys`, without its name." }),
};

function rate(perSecond: number, doc: string): Setting<number> {
  return integer({ default: perSecond, min: 0, max: 1_000_000, unit: "a second", doc: `${doc} 0 switches the limit off.` });
}

function burst(size: number, doc: string): Setting<number> {
  return integer({ default: size, min: 1, max: 1_000_000, doc });
}

export type SettingName = keyof Config;

export const settingNames = Object.keys(settings) as SettingName[];

/** The same table, where a loop over all rows cannot know each row's type. */
export function settingOf(name: SettingName): Setting<unknown> {
  return settings[name];
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** `logLevel` → `SUDA_LOG_LEVEL`. */
export function variableOf(name: string): string {
  return `SUDA_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `logLevel` → `log-level`. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
