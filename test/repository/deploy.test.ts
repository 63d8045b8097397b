/** What stands in deploy/ names only what there is: figures, settings, paths. What of it can be checked by its own program is. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MemoryChannelLayer, type ChannelLayerLink } from "@suda/server/channel-layer";
import { MemoryStore, type StoreStats } from "@suda/server/store";
import { TestServer } from "@suda/testing";
import { parseAllDocuments } from "yaml";
import { filesThat, read, root } from "./repository.ts";

const deployed = filesThat((path) => path.startsWith("deploy/"));

class CountingStore extends MemoryStore {
  stats(): StoreStats {
    return { commits: 0, calls: 0, commitMs: 0, conflicts: 0, unknown: 0 };
  }
}

class LinkedLayer extends MemoryChannelLayer {
  readonly link: ChannelLayerLink = { isConnected: true, lost: 0, onRestored: () => {} };
}

/** Every name that a node of several may show. */
async function figures(): Promise<ReadonlySet<string>> {
  await using layer = new LinkedLayer();
  await using suda = await TestServer.open({ store: new CountingStore(), layer, nodeName: "node-1" });
  const text = String((await suda.http().get("/metrics")).body);
  return new Set(
    Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm)).flatMap(([, name = "", kind]) =>
      kind === "histogram" ? [name, ...["bucket", "count", "sum"].map((part) => `${name}_${part}`)] : [name],
    ),
  );
}

test("every figure that alerts and dashboard use is one that a node shows", async () => {
  const known = await figures();
  for (const { path, text } of deployed.filter(({ path }) => /^deploy\/(prometheus|grafana)\//.test(path))) {
    const named = new Set(Array.from(text.matchAll(/\bsuda_[a-z0-9_]+/g), ([name]) => name));
    assert.ok(named.size > 10, path);
    assert.deepEqual([...named].filter((name) => !known.has(name)).toSorted(), [], path);
  }
});

test("every flag and variable of the server is a setting", () => {
  const doc = execFileSync(process.execPath, [join(root, "apps/suda/bin/suda.js"), "config", "doc"], { encoding: "utf8" });
  const known = new Set(Array.from(doc.matchAll(/`(--[a-z-]+|SUDA_[A-Z_]+)`/g), ([, name]) => name));
  // Of haproxy's configuration, not of a node.
  for (const name of ["SUDA_BIND", "SUDA_HAPROXY_SOCKET"]) known.add(name);
  let count = 0;
  for (const { path, text } of deployed) {
    const flags = text.split("\n").flatMap((line) => (/\bserve\b/.test(line) ? Array.from(line.matchAll(/(?<![\w-])--[a-z][a-z-]+/g), ([flag]) => flag) : []));
    const variables = Array.from(text.matchAll(/\bSUDA_[A-Z_]+\b/g), ([name]) => name);
    for (const name of [...flags, ...variables]) {
      count++;
      assert.ok(known.has(name), `${path}: ${name}`);
    }
  }
  assert.ok(count > 10);
});

test("YAML and JSON can be read", () => {
  let count = 0;
  for (const { path, text } of deployed) {
    if (path.endsWith(".json")) JSON.parse(text);
    else if (/\.ya?ml$/.test(path)) for (const document of parseAllDocuments(text)) assert.deepEqual([...document.errors, ...document.warnings], [], path);
    else continue;
    count++;
  }
  assert.ok(count > 1);
});

test("every file of deploy/ is named in its README", () => {
  const readme = read("deploy/README.md");
  const missing = deployed
    .map(({ path }) => path.slice("deploy/".length))
    .filter((path) => path !== "README.md" && !readme.includes(path.split("/").at(-1) ?? ""));
  assert.deepEqual(missing, []);
});

interface Manifest {
  readonly kind: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

test("on Kubernetes a node is asked the right questions, has time to drain, and its pods are found by what selects them", () => {
  const manifests = parseAllDocuments(read("deploy/kubernetes/suda.yaml")).map((document) => document.toJS() as Manifest);
  const specOf = (kind: string): Manifest["spec"] => manifests.find((one) => one.kind === kind)?.spec ?? {};
  const { selector, template } = specOf("Deployment") as {
    readonly selector: object;
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: Pod };
  };
  const [container] = template.spec.containers;
  assert.ok(container !== undefined);
  const { labels } = template.metadata;
  assert.deepEqual(
    [selector, specOf("PodDisruptionBudget")["selector"], specOf("Service")["selector"]],
    [{ matchLabels: labels }, { matchLabels: labels }, labels],
  );
  assert.deepEqual([container.readinessProbe.httpGet.path, container.livenessProbe.httpGet.path], ["/readyz", "/healthz"]);
  const preStopMs = Number(/setTimeout\(\(\) => \{\}, (\d+)\)/.exec(container.lifecycle.preStop.exec.command.join(" "))?.[1]);
  // The default of drainTimeoutMs, and some seconds for the end of the process.
  assert.ok(template.spec.terminationGracePeriodSeconds * 1_000 > preStopMs + 10_000 + 5_000);
  assert.ok(preStopMs > container.readinessProbe.periodSeconds * 1_000);
});

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly readinessProbe: { readonly httpGet: { readonly path: string }; readonly periodSeconds: number };
    readonly livenessProbe: { readonly httpGet: { readonly path: string } };
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  }[];
}

const withoutSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0 ? false : "systemd-analyze is not installed";

test("systemd takes the unit, and finds it well closed", { skip: withoutSystemd }, () => {
  const unit = read("deploy/systemd/suda.service");
  const directory = mkdtempSync(join(tmpdir(), "suda-systemd-"));
  try {
    const path = join(directory, "suda.service");
    writeFileSync(path, unit.replace("/usr/bin/node", process.execPath));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    const security = spawnSync("systemd-analyze", ["security", "--offline=yes", path], { encoding: "utf8" });
    assert.ok(Number(/exposure level for suda\.service: ([\d.]+)/.exec(security.stdout)?.[1]) < 2, security.stdout.slice(-200) + security.stderr);
  } finally {
    rmSync(directory, { recursive: true });
  }
  const seconds = (name: string, unitName: string): number => Number(new RegExp(`${name}[ =](\\d+)${unitName}`).exec(unit)?.[1]);
  assert.ok(seconds("TimeoutStopSec", "") > seconds("--drain-timeout-ms", "s"), "who is killed while draining tells nobody");
});

test("the image is of nobody's own, and nothing is run at installing", () => {
  const dockerfile = read("deploy/docker/Dockerfile");
  for (const [command] of dockerfile.matchAll(/npm (ci|install|prune)[^\n\\]*/g)) assert.match(command, /--ignore-scripts/);
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  assert.match(last, /^USER node$/m);
  assert.doesNotMatch(last, /^RUN npm/m);
});
