/** Who imports whom, read from the sources, and who may, read from docs/ARCHITECTURE.md. */
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { between, codeSpans, filesThat, isSource, isTest, read, root, tableRows } from "./repository.ts";

export interface Unit {
  readonly name: string;
  /** Ends with a slash. */
  readonly folder: string;
  readonly imports: ReadonlySet<string>;
  readonly npm: ReadonlySet<string>;
  readonly isNodeAllowed: boolean;
}

/** An import of one file, resolved. */
export type Import =
  | { readonly kind: "node"; readonly specifier: string }
  | { readonly kind: "npm"; readonly specifier: string; readonly name: string }
  | { readonly kind: "file"; readonly specifier: string; readonly path: string; readonly isRelative: boolean; readonly isErased: boolean }
  | { readonly kind: "unknown"; readonly specifier: string; readonly why: string };

export const units: readonly Unit[] = tableRows(between(read("docs/ARCHITECTURE.md"), "<!-- import-table -->", "<!-- /import-table -->")).map((cells) => {
  const [name = "", folder = "", imports = "", npm = "", node = ""] = cells;
  return {
    name: codeSpans(name)[0] ?? "",
    folder: codeSpans(folder)[0] ?? "",
    imports: new Set(codeSpans(imports)),
    npm: new Set(codeSpans(npm)),
    isNodeAllowed: node === "yes",
  };
});

/** The innermost unit that holds a path. */
export function unitOf(path: string): Unit | undefined {
  return units.filter(({ folder }) => path.startsWith(folder)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** `packages/server`, `apps/suda`, or the top folder. */
export function packageOf(path: string): string {
  const [top = "", name = ""] = path.split("/");
  return top === "packages" || top === "apps" ? `${top}/${name}` : top;
}

export interface Specifier {
  readonly specifier: string;
  /** Types alone: nothing of it is there when the program runs. */
  readonly isErased: boolean;
}

/** Statements at the beginning of a line, and calls of `import` anywhere, those in types too. */
export function specifiersOf(text: string): readonly Specifier[] {
  const statements = text.matchAll(/^(?:import|export)(\s+type)?\b[^"';]*?\bfrom\s+"([^"]+)"/gm);
  const bare = text.matchAll(/^import()\s+"([^"]+)"/gm);
  const calls = text.matchAll(/\bimport()\(\s*"([^"]+)"/g);
  return [...statements, ...bare, ...calls].map(([, type, specifier = ""]) => ({ specifier, isErased: (type ?? "") !== "" }));
}

export function resolveImport(from: string, { specifier, isErased }: Specifier): Import {
  if (specifier.startsWith("node:")) return { kind: "node", specifier };
  if (specifier.startsWith(".")) {
    const path = posix.normalize(posix.join(posix.dirname(from), specifier));
    if (existsSync(root + path)) return { kind: "file", specifier, path, isRelative: true, isErased };
    return { kind: "unknown", specifier, why: `there is no file ${path}; a relative import names it with its ending` };
  }
  const [scope = "", second = "", ...rest] = specifier.split("/");
  const name = scope.startsWith("@") ? `${scope}/${second}` : scope;
  if (!name.startsWith("@suda/")) return { kind: "npm", specifier, name };
  const folder = `packages/${second}`;
  if (!existsSync(`${root}${folder}/package.json`)) return { kind: "unknown", specifier, why: `there is no package ${name}` };
  const entries = (JSON.parse(read(`${folder}/package.json`)) as { exports: Record<string, { "suda-source": string }> }).exports;
  const entry = entries[rest.length === 0 ? "." : `./${rest.join("/")}`];
  if (entry === undefined) return { kind: "unknown", specifier, why: `${name} has no such public entry` };
  return { kind: "file", specifier, path: posix.join(folder, entry["suda-source"]), isRelative: false, isErased };
}

export interface SourceFile {
  readonly path: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
}

export const sources: readonly SourceFile[] = filesThat(isSource).map(({ path, text }) => ({
  path,
  isTest: isTest(path),
  imports: specifiersOf(text).map((specifier) => resolveImport(path, specifier)),
}));
