/** docs/ARCHITECTURE.md names files and functions that exist, and leaves no folder out. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { units } from "./import-graph.ts";
import { between, codeSpans, paths, read, root, tableRows } from "./repository.ts";

const document = read("docs/ARCHITECTURE.md");
const steps = tableRows(between(document, "## The path of one message", "The reply to the sender"));

test("the path has its twelve steps, in order", () => {
  assert.deepEqual(
    steps.map(([step]) => step?.[0]),
    Array.from("①②③④⑤⑥⑦⑧⑨⑩⑪⑫"),
  );
});

test("each step's functions are in its files", () => {
  const missing = steps.flatMap(([step = "", fileCell = "", functionCell = ""]) => {
    const files = codeSpans(fileCell);
    const functions = codeSpans(functionCell);
    // One file may hold several functions; several files have one each, in order.
    if (functions.length === 0 || (files.length !== 1 && files.length !== functions.length))
      return [`${step}: ${files.length} files, ${functions.length} functions`];
    return functions.flatMap((name, index) => {
      const file = files[files.length === 1 ? 0 : index] ?? "";
      if (!existsSync(root + file)) return [`${step}: there is no ${file}`];
      const text = read(file);
      return name
        .split(".")
        .filter((part) => !declares(text, part))
        .map((part) => `${step}: ${file} does not declare ${part}`);
    });
  });
  assert.deepEqual(missing, []);
});

test("every file, folder and link that the document names exists", () => {
  const named = codeSpans(document).filter((code) => /^[\w.-]+\/[\w./-]*$/.test(code));
  assert.ok(named.length > 50);
  const links = Array.from(document.matchAll(/\]\((?!https?:|#)([^)#]+)/g), ([, target]) => `docs/${target ?? ""}`);
  assert.deepEqual(
    [...named, ...links].filter((path) => !existsSync(root + path)),
    [],
  );
});

test("files, folders and suites that docs/TESTING.md names exist", () => {
  const testing = read("docs/TESTING.md");
  const files = codeSpans(testing).filter((code) => /^[\w.-]+\/[\w./-]*$/.test(code));
  assert.ok(files.length >= 7);
  assert.deepEqual(
    files.filter((path) => !existsSync(root + path)),
    [],
  );
  const kit = read("packages/testing/src/index.ts");
  const names = codeSpans(testing).filter((code) => /^\w+(Suite|Communicator|History)$/.test(code));
  assert.deepEqual(
    names.filter((name) => !kit.includes(name)),
    [],
  );
});

test("functions that the text names are declared in a source of the server, protocol or store", () => {
  const sources = paths.filter((path) => /^(packages|apps)\/.*\.ts$/.test(path) && !path.endsWith(".test.ts")).map((path) => read(path));
  const adding = document.slice(document.indexOf("## Adding something"));
  const names = codeSpans(adding).filter((code) => /^[A-Za-z]\w+$/.test(code));
  assert.ok(names.length >= 6);
  assert.deepEqual(
    names.filter((name) => !sources.some((text) => declares(text, name))),
    [],
  );
});

test("the table of folders leaves none out", () => {
  const listed = new Set(tableRows(between(document, "## Folders", "## Who may import whom")).map(([folder = ""]) => codeSpans(folder)[0] ?? ""));
  const holding = paths.flatMap((path) => {
    const [top = "", name = "", src, folder] = path.split("/");
    if (top === "packages" && name === "server" && folder !== undefined) return path.split("/").length > 4 ? [`packages/server/src/${folder}/`] : [];
    if ((top === "packages" || top === "apps") && src === "src") return [`${top}/${name}/src/`];
    return ["test", "bench", "scripts", "examples"].includes(top) ? [`${top}/`] : [];
  });
  assert.deepEqual(
    [...new Set(holding)].filter((folder) => !listed.has(folder)),
    [],
  );
  const unlisted = units.filter(({ folder }) => !existsSync(root + folder)).map(({ folder }) => folder);
  assert.deepEqual(unlisted, []);
});

/** A function, class, method, type or constant of that name. */
function declares(text: string, name: string): boolean {
  const escaped = name.replaceAll(/[#$.]/g, String.raw`\$&`);
  const declaration = String.raw`\b(?:function\*?|class|interface|type|const|let)\s+${escaped}\b`;
  const method = String.raw`^\s+(?:static |private |async |get |\*)*${escaped}\s*[(<]`;
  return new RegExp(`${declaration}|${method}`, "m").test(text);
}
