/**
 * Where Redis is, from one URL:
 *
 *     redis://user:password@host:6379                                one Redis, or a node of a Cluster
 *     redis://user:password@a:6379,b:6379,c:6379                     a Cluster, by some of its nodes
 *     redis+sentinel://user:password@s1:26379,s2:26379/mymaster      the master that Sentinels name
 *
 * and `rediss…` for TLS. User and password are those of Redis, percent-encoded; those of Sentinels are `?sentinel-user=…&sentinel-password=…`.
 * A database's number is taken and makes no difference: pub/sub knows none.
 */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
}

export interface RedisAddress {
  /** At least one: nodes of Redis, or the Sentinels. */
  readonly endpoints: readonly RedisEndpoint[];
  readonly isTls: boolean;
  readonly credentials: RedisCredentials;
  readonly sentinel?: { readonly master: string; readonly credentials: RedisCredentials };
}

const maxEndpoints = 100;

/** @throws TypeError that names no part of the URL: it may hold a password */
export function parseRedisUrl(url: string): RedisAddress {
  const { scheme = "", rest = "" } = /^(?<scheme>rediss?(?:\+sentinel)?):\/\/(?<rest>\S+)$/.exec(url)?.groups ?? {};
  if (scheme === "") throw new TypeError("An address of Redis begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://.");
  const at = rest.lastIndexOf("@");
  const { hosts = "", path = "", query = "" } = /^(?<hosts>[^/?]*)\/?(?<path>[^?]*)\??(?<query>.*)$/.exec(rest.slice(at + 1))?.groups ?? {};
  const isSentinel = scheme.endsWith("+sentinel");
  const endpoints = hosts.split(",").map((host) => parseEndpoint(host, isSentinel ? 26_379 : 6_379));
  if (endpoints.length > maxEndpoints) throw new TypeError(`At most ${maxEndpoints} addresses are named.`);
  const address = { endpoints, isTls: scheme.startsWith("rediss"), credentials: at === -1 ? {} : parseCredentials(rest.slice(0, at)) };
  const [first = "", ...more] = path.split("/");
  const fields = new URLSearchParams(query);
  if (!isSentinel) {
    if (!/^\d*$/.test(first) || more.length > 0 || query !== "") throw new TypeError("Behind the hosts of Redis stands nothing, or a database's number.");
    return address;
  }
  if (!/^[A-Za-z0-9._-]+$/.test(first) || !/^\d*$/.test(more.join("/")))
    throw new TypeError("Behind the Sentinels stands the name of their master: redis+sentinel://s1,s2/mymaster.");
  for (const name of fields.keys())
    if (name !== "sentinel-user" && name !== "sentinel-password") throw new TypeError("Behind the ? of Sentinels stand sentinel-user and sentinel-password.");
  const [username, password] = [fields.get("sentinel-user"), fields.get("sentinel-password")];
  return { ...address, sentinel: { master: first, credentials: { ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) } } };
}

function parseEndpoint(text: string, defaultPort: number): RedisEndpoint {
  const { inBrackets, name, port: digits } = /^(?:\[(?<inBrackets>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {};
  const host = inBrackets ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535)
    throw new TypeError("A host of Redis is a name or an address, with or without a port: redis:6379, [::1]:6379.");
  return { host, port };
}

function parseCredentials(text: string): RedisCredentials {
  const colon = text.indexOf(":");
  const username = decode(colon === -1 ? text : text.slice(0, colon));
  return { ...(username === "" ? {} : { username }), ...(colon === -1 ? {} : { password: decode(text.slice(colon + 1)) }) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError("User and password of Redis are percent-encoded: % is %25, @ is %40.");
  }
}

/** As it is named in messages, and its identity. */
export function nameOf({ host, port }: RedisEndpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
