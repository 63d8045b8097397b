/** Every rule of the documents is held by a test, and every test that names a rule names one that exists. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesThat, isSource, paths, read, tableRows } from "./repository.ts";

const documents = ["docs/PROTOCOL.md", ...paths.filter((path) => /^docs\/contracts\/[^/]+\.md$/.test(path))];
const defined = documents.flatMap((path) =>
  tableRows(read(path)).flatMap(([id = ""]) => (/^\**[A-Z]\d+\**$/.test(id) ? [{ id: id.replaceAll("*", ""), path }] : [])),
);
/** In the titles of tests and of the suites that drivers run. */
const named = filesThat((path) => isSource(path) && (path.endsWith(".test.ts") || path.startsWith("packages/testing/src/"))).flatMap(({ path, text }) =>
  Array.from(text.matchAll(/\b(?:test|it|describe|suite)\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g), ([, , title = ""]) => title).flatMap((title) =>
    idsOf(title).map((id) => ({ id, path, title })),
  ),
);

test("the documents define rules, each once", () => {
  assert.ok(defined.length > 80, `${defined.length} rules`);
  const seen = new Map<string, string>();
  for (const { id, path } of defined) {
    assert.equal(seen.get(id), undefined, `${id} is defined in ${seen.get(id) ?? ""} and in ${path}`);
    seen.set(id, path);
  }
});

test("every rule has a test with its ID in the title", () => {
  const tested = new Set(named.map(({ id }) => id));
  assert.deepEqual(
    defined.filter(({ id }) => !tested.has(id)).map(({ id, path }) => `${id} of ${path}`),
    [],
  );
});

test("every ID in a test's title is a rule", () => {
  const known = new Set(defined.map(({ id }) => id));
  assert.deepEqual(
    named.filter(({ id }) => !known.has(id)).map(({ id, path, title }) => `${id} in ${path}: ${title}`),
    [],
  );
});

test("a title's IDs are read from its brackets", () => {
  assert.deepEqual(idsOf("[D3] [S16] a retry, as in [L4]; not D5 and not [x]"), ["D3", "S16", "L4"]);
});

function idsOf(title: string): string[] {
  return Array.from(title.matchAll(/\[([A-Z]\d+)\]/g), ([, id = ""]) => id);
}
