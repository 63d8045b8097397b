/** The files of this repository as the tests of its habits see them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

export interface RepositoryFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Everything that is tracked, and what is about to be: new files that are not ignored. */
export const paths: readonly string[] = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "" && existsSync(root + path));

export function read(path: string): string {
  return readFileSync(root + path, "utf8");
}

export function filesThat(fits: (path: string) => boolean): readonly RepositoryFile[] {
  return paths.filter(fits).map((path) => ({ path, text: read(path) }));
}

/** Programs of ours, in whatever JavaScript. */
export function isSource(path: string): boolean {
  return /\.(ts|js|mjs)$/.test(path) && !path.endsWith(".d.ts");
}

/** Tests, and what tests of a package share in its `test` folder. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || /^(packages|apps|examples)\/[^/]+\/test\//.test(path);
}

/** Cells of the rows of all Markdown tables in a text, without heads and rules. */
export function tableRows(markdown: string): readonly (readonly string[])[] {
  const lines = markdown.split("\n");
  return lines.flatMap((line, index) => {
    const isRule = (text: string | undefined): boolean => /^\|(\s*:?-+:?\s*\|)+\s*$/.test(text ?? "");
    if (!line.startsWith("|") || isRule(line) || isRule(lines[index + 1])) return [];
    return [
      line
        .replace(/^\|/, "")
        .replace(/\|\s*$/, "")
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    ];
  });
}

/** The text between two marks, without them. */
export function between(text: string, start: string, end: string): string {
  const from = text.indexOf(start);
  const to = text.indexOf(end, from + start.length);
  if (from === -1 || to === -1) throw new Error(`There is no ${start} … ${end}.`);
  return text.slice(from + start.length, to);
}

/** What stands in backticks. */
export function codeSpans(text: string): string[] {
  return Array.from(text.matchAll(/`([^`\n]+)`/g), ([, code]) => code ?? "");
}
