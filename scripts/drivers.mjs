// The clients of engines that several nodes need are installed only when asked. Which are not there, and what needs them; as a program, for
// what cannot go on without them: says so, and ends with 1.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const packages = new URL("../packages/", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, packages), "utf8"));

/** Where it is set, tests that need the client fail instead of being left out. */
const variables = { "@redis/client": "REQUIRE_REDIS", "cassandra-driver": "REQUIRE_CASSANDRA" };

/** `[{ client, variable, needs: ["@suda/channel-layer-redis"], folders: ["packages/channel-layer-redis/"] }]` */
export function absentDrivers() {
  const drivers = readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/package.json`, packages)))
    .map((entry) => ({ folder: `packages/${entry.name}/`, ...read(`${entry.name}/package.json`) }));
  return Object.keys(read("package.json").dependencies)
    .filter((client) => !isInstalled(client))
    .map((client) => {
      const needing = drivers.filter((one) => Object.hasOwn(one.peerDependencies ?? {}, client));
      return { client, variable: variables[client], needs: needing.map(({ name }) => name), folders: needing.map(({ folder }) => folder) };
    });
}

function isInstalled(client) {
  try {
    createRequire(packages).resolve(client);
    return true;
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") return false;
    throw error;
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const absent = absentDrivers().map(({ client }) => client);
  if (absent.length > 0) {
    console.error(`${absent.join(" and ")}: not installed, and the types of the drivers need them\n→ npm run install:drivers`);
    process.exit(1);
  }
}
