/** One server needs Node alone: the clients of the engines that several nodes need are in nobody's tree who did not ask for them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { read, root } from "./repository.ts";

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const clients = Object.keys((JSON.parse(read("packages/package.json")) as { dependencies: Record<string, string> }).dependencies);

async function npm(directory: string, ...args: readonly string[]): Promise<string> {
  // A test under `npm test` has npm's own settings in its environment, and those of another folder.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_")));
  const { stdout } = await promisify(execFile)("npm", args, { cwd: directory, env, maxBuffer: 67_108_864, timeout: 120_000 });
  return stdout;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

function namesIn(lock: Lock): ReadonlySet<string> {
  return new Set(Object.keys(lock.packages).flatMap((path) => (path.includes("node_modules/") ? [nameOf(path)] : [])));
}

test("a clone's tree has no engine's client, and the one that is installed when asked has all of them", async () => {
  const tree = async (directory: string, ...where: readonly string[]): Promise<ReadonlySet<string>> => {
    const listed = await npm(directory, "ls", "--all", "--parseable", "--package-lock-only", ...where);
    return new Set(
      listed
        .split("\n")
        .filter((path) => path.includes("node_modules/"))
        .map(nameOf),
    );
  };
  for (const where of [[], ["--workspace", "apps/suda"]]) {
    const own = await tree(root, ...where);
    for (const name of ["lmdb", "hono"]) assert.ok(own.has(name), name);
    for (const client of clients) assert.ok(!own.has(client), client);
  }
  const asked = await tree(join(root, "packages"), "--prefix", ".");
  for (const client of clients) assert.ok(asked.has(client), client);
  assert.ok(clients.includes("@redis/client"));
});

test("drivers name their client as an optional peer, which the pinned version fits", () => {
  const drivers = readdirSync(join(root, "packages"))
    .filter((name) => name !== "package.json" && name !== "node_modules" && !name.startsWith("."))
    .flatMap((name) => {
      try {
        return [JSON.parse(read(`packages/${name}/package.json`)) as LockedPackage];
      } catch {
        return [];
      }
    });
  for (const client of clients) {
    const naming = drivers.filter(({ peerDependencies }) => Object.hasOwn(peerDependencies ?? {}, client));
    assert.ok(naming.length > 0, client);
    for (const { peerDependencies, peerDependenciesMeta } of naming) {
      assert.match(peerDependencies?.[client] ?? "", /^\^\d+\.\d+\.\d+$/);
      assert.equal(peerDependenciesMeta?.[client]?.optional, true);
      const pinned = (JSON.parse(read("packages/package.json")) as { dependencies: Record<string, string> }).dependencies[client] ?? "";
      assert.equal(`^${pinned}`, peerDependencies?.[client]);
    }
  }
});

test("suda as it is published brings no engine's client into an empty folder, and takes one that is asked for", { timeout: 180_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "suda-published-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await npm(root, "pack", "--workspaces", "--ignore-scripts", "--pack-destination", directory);
  const tarballs = readdirSync(directory).filter((name) => name.endsWith(".tgz"));
  assert.ok(tarballs.length > 7);
  writeFileSync(join(directory, "package.json"), '{"name":"a-product","private":true}\n');
  const install = (...what: readonly string[]): Promise<string> =>
    npm(directory, "install", "--package-lock-only", "--no-audit", "--no-fund", "--registry", registry, "--cache", join(directory, "cache"), ...what);
  const registry = await openRegistry(t);
  await install(...tarballs.map((name) => `./${name}`));
  const installed = (): ReadonlySet<string> => namesIn(JSON.parse(readFileSync(join(directory, "package-lock.json"), "utf8")) as Lock);
  for (const name of ["suda", "@suda/channel-layer-redis", "lmdb", "hono"]) assert.ok(installed().has(name), name);
  for (const client of clients) assert.ok(!installed().has(client), client);
  await install("@redis/client");
  assert.ok(installed().has("@redis/client"));
});

/** What npm asks a registry for, answered from the lock files: names, versions, and what each needs. */
async function openRegistry(t: TestContext): Promise<string> {
  const versions = new Map<string, Map<string, object>>();
  for (const file of ["package-lock.json", "packages/package-lock.json"]) {
    for (const [path, entry] of Object.entries((JSON.parse(read(file)) as Lock).packages)) {
      if (entry.version === undefined || entry.link === true || !path.includes("node_modules/")) continue;
      const name = nameOf(path);
      const known = versions.get(name) ?? new Map<string, object>();
      versions.set(name, known.set(entry.version, { ...entry, name, dist: { tarball: `http://127.0.0.1/${name}.tgz`, integrity: "sha512-" } }));
    }
  }
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? "").slice(1));
    const known = versions.get(name);
    if (known === undefined) return void response.writeHead(404).end("{}");
    const latest = [...known.keys()].at(-1);
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ name, "dist-tags": { latest }, versions: Object.fromEntries(known) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
