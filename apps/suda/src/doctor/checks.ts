/** What `suda doctor` looks at. Each check says what it found, and what to do when that is not right. */
import { accessSync, constants, existsSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { StoreOpenError } from "@suda/server/store";
import { dataFileName, openLmdbStore } from "@suda/store-lmdb";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { maskRedisUrl } from "../config/redis-url.ts";
import type { Config } from "../config/settings.ts";
import { readRunningServer } from "../data-directory/running-server.ts";
import { readTokenKey, tokenKeyPath } from "../data-directory/token-key.ts";
import { openCassandra } from "../server/cassandra.ts";
import { loadRedisDriver } from "../server/open-layer.ts";

export interface Finding {
  readonly isGood: boolean;
  readonly text: string;
  /** What to do; only when it is not good. */
  readonly fix?: string;
}

const good = (text: string): Finding => ({ isGood: true, text });
const bad = (text: string, fix: string): Finding => ({ isGood: false, text, fix });

export async function runChecks(config: Config, now: number): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    checkDirectory(config),
    checkDisk(config),
    await checkStore(config),
    await checkLayer(config),
    checkTokenKey(config),
    await checkPort(config),
    checkClock(config, now),
    checkOpenFiles(config),
  ];
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return bad(`Node ${version} is too old`, "Install Node 20.19 or newer; 24 is recommended");
  return good(`Node ${version}`);
}

export function checkDirectory({ data }: Pick<Config, "data">): Finding {
  const fix = "Choose another with --data DIR, or change its owner or permissions";
  try {
    if (!existsSync(data)) {
      accessSync(firstExisting(data), constants.W_OK);
      return good(`data directory ${data} does not exist yet and can be made`);
    }
    if (!statSync(data).isDirectory()) return bad(`${data} is not a directory`, fix);
    const probe = join(data, `.doctor-${process.pid}`);
    writeFileSync(probe, "x", { flush: true });
    rmSync(probe);
    return good(`data directory ${data} can be written`);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return bad(`data directory ${data} cannot be written (${code})`, fix);
  }
}

/** statfs(2): `f_type` of file systems on which LMDB's locks and memory maps cannot be trusted. */
const networkFileSystems = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x517b, "SMB"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x65735546, "FUSE"],
]);
const leastFreeBytes = 100 * 1_048_576;

function checkDisk({ data }: Pick<Config, "data">): Finding {
  const { type, bavail, bsize } = statfsSync(firstExisting(data));
  const network = networkFileSystems.get(type);
  if (network !== undefined) return bad(`${data} is on ${network}, not on a local disk`, "Put the data directory on a local disk: --data DIR");
  const freeBytes = bavail * bsize;
  if (freeBytes < leastFreeBytes) return bad(`only ${megabytes(freeBytes)} are free for ${data}`, "Make room, or choose another disk with --data DIR");
  return good(`local disk with ${megabytes(freeBytes)} free`);
}

export async function checkStore(config: Config): Promise<Finding> {
  const { data, store } = config;
  if (store === "memory") return good("store in memory: nothing is kept");
  if (store === "cassandra") return checkCassandra(config);
  const path = join(data, dataFileName);
  if (!existsSync(path)) return good("no store yet");
  try {
    const opened = await openLmdbStore({ directory: data });
    await opened[Symbol.asyncDispose]();
    return good(`store opens (${megabytes(statSync(path).size)})`);
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    const [what = error.message, ...advice] = error.message.split(/\.\s+(?=[A-Z])/);
    if (error.code === "in_use") return good(`store is held by a server that runs: ${what}`);
    return bad(what, advice.join(". "));
  }
}

async function checkCassandra(config: Config): Promise<Finding> {
  const { cassandraKeyspace, cassandraContactPoints } = config;
  try {
    const opened = await openCassandra(config);
    await opened[Symbol.asyncDispose]();
    return good(`store opens: keyspace ${cassandraKeyspace} of Cassandra at ${cassandraContactPoints.join(", ")}`);
  } catch (error) {
    if (error instanceof CommandError) return bad(error.message, error.fix);
    throw error;
  }
}

export async function checkLayer({ layer, redisUrl }: Pick<Config, "layer" | "redisUrl">): Promise<Finding> {
  if (layer === "memory") return good("channel layer in memory: one process");
  const url = maskRedisUrl(redisUrl);
  try {
    const { probeRedis } = await loadRedisDriver();
    const { version, kind, isSharded, masters } = await probeRedis(redisUrl);
    const what = {
      standalone: "",
      sentinel: ", named by Sentinels",
      cluster: `, a Cluster${isSharded ? ` of ${masters} masters` : " without sharded pub/sub"}`,
    };
    return good(`Redis ${version} answers at ${url}${what[kind]}`);
  } catch (error) {
    if (error instanceof CommandError) return bad(error.message, error.fix);
    // By its name: the class comes with the driver.
    if (error instanceof TypeError || (error instanceof Error && error.name === "RedisLayerError"))
      return bad(`${url} cannot be used: ${error.message}`, "Start Redis, or correct SUDA_REDIS_URL");
    throw error;
  }
}

export function checkTokenKey({ data, tokenSecret, tokenKeys, tokenJwksUrl }: Pick<Config, "data" | "tokenSecret" | "tokenKeys" | "tokenJwksUrl">): Finding {
  if (tokenSecret !== undefined || tokenKeys !== undefined || tokenJwksUrl !== undefined) return good("token keys are configured");
  try {
    if (readTokenKey(data) === undefined) return good("no token key yet; suda dev and suda token make one");
  } catch (error) {
    if (error instanceof CommandError) return bad(error.message, error.fix);
    throw error;
  }
  const path = tokenKeyPath(data);
  // Windows has no such bits.
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== "win32" && (mode & 0o077) !== 0)
    return bad(`the token key ${path} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${path}`);
  return good("token key is there, for its owner only");
}

export async function checkPort({ host, port, data }: Pick<Config, "host" | "port" | "data">): Promise<Finding> {
  if (port === 0) return good("port: any free one");
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host, port }, resolve);
    });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === "EADDRINUSE" && (await isOwnServer(data, port))) return good(`port ${port} is held by this data directory's own server`);
    return bad(
      `port ${port} on ${host} cannot be used (${code})`,
      code === "EACCES" ? "Choose a port above 1023" : "Stop what listens there, or choose another with --port N",
    );
  }
  await new Promise((resolve) => probe.close(resolve));
  return good(`port ${port} is free`);
}

async function isOwnServer(data: string, port: number): Promise<boolean> {
  const url = readRunningServer(data);
  if (url === undefined || new URL(url).port !== String(port)) return false;
  try {
    return (await fetch(new URL("/healthz", url), { signal: AbortSignal.timeout(2_000) })).ok;
  } catch (error) {
    // Refused, or silent for two seconds.
    if (error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError")) return false;
    throw error;
  }
}

/** This program was written then; a clock before it is wrong, and tokens would be too. */
const writtenAt = Date.UTC(2025, 0, 1);

export function checkClock({ data }: Pick<Config, "data">, now: number): Finding {
  if (now < writtenAt) return bad(`the clock says ${new Date(now).toISOString()}`, "Set the clock (NTP): tokens would count as expired or not yet good");
  const newest = existsSync(data) ? Math.max(0, ...readdirSync(data).map((name) => statSync(join(data, name), { throwIfNoEntry: false })?.mtimeMs ?? 0)) : 0;
  if (newest > now + 300_000) return bad(`files in ${data} are from the future (${new Date(newest).toISOString()})`, "The clock was set back: check NTP");
  return good(`clock: ${new Date(now).toISOString()}`);
}

/** What a small server needs beside its connections. */
const leastOpenFiles = 1_024;

function checkOpenFiles({ maxConnections }: Pick<Config, "maxConnections">): Finding {
  const report = process.report.getReport() as unknown as { readonly userLimits?: Readonly<Record<string, { readonly soft: number | string }>> };
  const soft = report.userLimits?.["open_files"]?.soft;
  if (soft === undefined) return good("open files: this system has no such limit");
  const limit = soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  if (limit < leastOpenFiles) return bad(`only ${limit} open files are allowed`, "ulimit -n 65536 (LimitNOFILE= in a systemd unit)");
  const room = Math.max(0, limit - 64);
  return good(`open files: ${soft}${room < maxConnections ? `; enough for ${room} connections, raise it with ulimit -n for more` : ""}`);
}

function firstExisting(path: string): string {
  let at = resolve(path);
  while (!existsSync(at)) at = dirname(at);
  return at;
}

function megabytes(bytes: number): string {
  return bytes >= 10 * 1_073_741_824 ? `${Math.round(bytes / 1_073_741_824)} GiB` : `${Math.ceil(bytes / 1_048_576)} MiB`;
}
