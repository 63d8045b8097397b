/** CONTRIBUTING.md has a line for every dependency, and no line for what is not one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeSpans, paths, read, tableRows } from "./repository.ts";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const manifests = paths.filter((path) => /(^|\/)package\.json$/.test(path)).map((path) => ({ path, manifest: JSON.parse(read(path)) as Manifest }));
const own = new Set(manifests.map(({ manifest }) => manifest.name));

test("every dependency has its line, and every line its dependency", () => {
  const used = manifests.flatMap(({ manifest }) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies, manifest.peerDependencies].flatMap((group) => Object.keys(group ?? {})),
  );
  const document = read("CONTRIBUTING.md");
  const lines = tableRows(document.slice(document.indexOf("## Dependencies")));
  for (const [name = "", why = "", without = ""] of lines) assert.ok(why.length > 3 && without.length > 2, `the line of ${name} says why, and what without it`);
  const told = lines.map(([name = ""]) => codeSpans(name)[0] ?? "");
  assert.equal(new Set(told).size, told.length, "each has one line");
  assert.deepEqual(told.toSorted(), [...new Set(used)].filter((name) => !own.has(name)).sort());
});

test("versions are exact, and the same everywhere", () => {
  const versions = new Map<string, string>();
  for (const { path, manifest } of manifests) {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, `${path}: ${name}`);
      assert.equal(versions.get(name) ?? version, version, `${path}: ${name} has another version elsewhere`);
      versions.set(name, version);
    }
  }
});

test("no package of ours has an install script", () => {
  const scripts = ["preinstall", "install", "postinstall", "prepare"];
  assert.deepEqual(
    manifests.filter(({ manifest }) => scripts.some((script) => Object.hasOwn(manifest.scripts ?? {}, script))).map(({ path }) => path),
    [],
  );
});

test("what a package imports is in its manifest", () => {
  const missing = manifests
    .filter(({ path }) => /^(packages|apps)\//.test(path))
    .flatMap(({ path, manifest }) => {
      const folder = path.replace("package.json", "");
      const listed = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }));
      return paths
        .filter((file) => file.startsWith(`${folder}src/`) && file.endsWith(".ts") && !file.endsWith(".test.ts"))
        .flatMap((file) => {
          const specifiers = Array.from(read(file).matchAll(/^(?:import|export)\b[^"';]*?\bfrom\s+"([^".][^"]*)"/gm), ([, specifier = ""]) => specifier);
          const names = specifiers
            .filter((one) => !one.startsWith("node:"))
            .map((one) =>
              one
                .split("/")
                .slice(0, one.startsWith("@") ? 2 : 1)
                .join("/"),
            );
          return names.filter((name) => name !== manifest.name && !listed.has(name)).map((name) => `${file} imports ${name}`);
        });
    });
  assert.deepEqual(missing, []);
});
