/** The import table of docs/ARCHITECTURE.md holds, types included. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packageOf, sources, specifiersOf, unitOf, units, type Import, type SourceFile, type Unit } from "./import-graph.ts";

/** What test files beside the code may use beyond their unit's row. */
const npmForTests = new Set(["esbuild", "fast-check", "ws", "jose", "typebox", "msgpackr", "hono"]);

test("the scanner sees every way to import", () => {
  // In pieces, because the scanner reads this file too.
  const call = ["import", "("].join("");
  const text = [
    'import { a } from "./a.ts";',
    "import {",
    "  b,",
    '} from "./b.ts";',
    'import type { C } from "./c.ts";',
    'export { d } from "./d.ts";',
    'import "./e.ts";',
    `const f = await ${call}"./f.ts");`,
    `let g: ${call}"./g.ts").G;`,
    'console.log("not from \\"./h.ts\\"");',
  ].join("\n");
  const expected = ["a", "b", "c", "d", "e", "f", "g"].map((name) => `./${name}.ts`);
  const seen = specifiersOf(text);
  assert.deepEqual(seen.map(({ specifier }) => specifier).sort(), expected);
  assert.deepEqual(
    seen.filter(({ isErased }) => isErased).map(({ specifier }) => specifier),
    ["./c.ts"],
  );
  const count = sources.reduce((total, { imports }) => total + imports.length, 0);
  assert.ok(count > 500, `only ${count} imports were found in ${sources.length} files`);
});

test("every source file belongs to a unit of the table", () => {
  assert.deepEqual(
    sources.filter(({ path }) => unitOf(path) === undefined).map(({ path }) => path),
    [],
  );
});

test("imports follow the table", () => {
  const wrong = sources.flatMap((file) => {
    const unit = unitOf(file.path);
    return unit === undefined ? [] : file.imports.flatMap((one) => problemOf(file, unit, one) ?? []);
  });
  assert.deepEqual(wrong, []);
});

test("the table allows nothing that no program uses", () => {
  const unused = units
    .filter(({ folder }) => folder.startsWith("packages/") || folder.startsWith("apps/"))
    .flatMap((unit) => {
      const used = sources.filter((file) => !file.isTest && unitOf(file.path) === unit).flatMap(({ imports }) => imports);
      const names = new Set(used.flatMap((one) => (one.kind === "file" ? (unitOf(one.path)?.name ?? []) : one.kind === "npm" ? one.name : [])));
      return [...unit.imports, ...unit.npm].filter((name) => !names.has(name)).map((name) => `${unit.name} does not use ${name}`);
    });
  assert.deepEqual(unused, []);
});

test("units do not import each other in a circle, and neither do files when they run", () => {
  const unitEdges = new Map<string, ReadonlySet<string>>(units.map(({ name, imports }) => [name, imports]));
  assert.deepEqual(circleIn(unitEdges), undefined);
  const fileEdges = new Map(
    sources.map(
      ({ path, imports }) => [path, new Set(imports.flatMap((one) => (one.kind === "file" && one.isRelative && !one.isErased ? [one.path] : [])))] as const,
    ),
  );
  assert.deepEqual(circleIn(fileEdges), undefined);
});

test("a circle is found", () => {
  const edges = new Map([
    ["a", new Set(["b"])],
    ["b", new Set(["c"])],
    ["c", new Set(["a"])],
  ]);
  assert.deepEqual(circleIn(edges), ["a", "b", "c", "a"]);
});

function problemOf(file: SourceFile, unit: Unit, one: Import): string | undefined {
  const where = `${file.path} imports ${one.specifier}`;
  switch (one.kind) {
    case "unknown":
      return `${where}: ${one.why}`;
    case "node":
      return unit.isNodeAllowed || file.isTest ? undefined : `${where}: ${unit.name} uses nothing of Node`;
    case "npm":
      return unit.npm.has(one.name) || (file.isTest && npmForTests.has(one.name)) ? undefined : `${where}: the table does not list it for ${unit.name}`;
    case "file": {
      const target = unitOf(one.path);
      if (target === undefined) return `${where}: it belongs to no unit`;
      const isOwnPackage = packageOf(file.path) === packageOf(one.path);
      if (target === unit) return undefined;
      // Scripts are programs of the root and have no package.
      if (one.isRelative && !isOwnPackage && target.name !== "scripts") return `${where}: another package is imported by its public entry`;
      if (unit.imports.has(target.name)) return undefined;
      if (file.isTest && (isOwnPackage || target.name === "testing")) return undefined;
      return `${where}: ${unit.name} may not import ${target.name}`;
    }
  }
}

/** The nodes of one circle, the first one again at the end. */
function circleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const next of edges.get(node) ?? []) {
      const circle = visit(next);
      if (circle !== undefined) return circle;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const circle = visit(node);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
