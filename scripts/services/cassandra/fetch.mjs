// Fetches Cassandra and what it needs from Maven Central, once: node scripts/services/cassandra/fetch.mjs
// Needs Java 17 and Maven (Debian: openjdk-17-jre-headless maven). Where to: $SUDA_CASSANDRA_JARS, else the user's cache.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const pom = fileURLToPath(new URL("pom.xml", import.meta.url));
const version = /<artifactId>cassandra-all<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(pom, "utf8"))[1];
// As `cassandraJars` of @suda/testing has it.
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
const folder = process.env.SUDA_CASSANDRA_JARS || join(cache, "suda", `cassandra-${version}`);

if (!existsSync(folder)) {
  mkdirSync(dirname(folder), { recursive: true });
  // Beside its place and then renamed, so that a fetch that was ended leaves nothing that looks whole.
  const fresh = mkdtempSync(`${folder}-`);
  const maven = ["-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${fresh}`];
  const { status, error } = spawnSync("mvn", maven, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) {
    rmSync(fresh, { recursive: true });
    console.error(`Maven could not fetch Cassandra ${version}: ${error?.message ?? `it ended with ${status}`}.`);
    process.exit(1);
  }
  try {
    renameSync(fresh, folder);
  } catch (failure) {
    // Another fetch was first; theirs is the same.
    if (!existsSync(folder)) throw failure;
    rmSync(fresh, { recursive: true });
  }
}
console.log(folder);
