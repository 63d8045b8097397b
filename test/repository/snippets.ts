/** The named code blocks of a Markdown document: `<!-- snippet: NAME -->` and the fence after it. */
export interface Snippet {
  readonly language: string;
  readonly code: string;
}

export function snippetsOf(markdown: string): ReadonlyMap<string, Snippet> {
  const found = new Map<string, Snippet>();
  for (const [, name = "", language = "", code = ""] of markdown.matchAll(/^<!-- snippet: ([a-z-]+) -->\n\n```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (found.has(name)) throw new Error(`Two snippets are called ${name}.`);
    found.set(name, { language, code });
  }
  return found;
}

/** Fences without a name, but for pictures. */
export function unnamedFences(markdown: string): readonly string[] {
  return Array.from(markdown.matchAll(/^(.*)\n\n```(\w*)\n/gm))
    .filter(([, before = "", language = ""]) => language !== "text" && !before.startsWith("<!-- snippet: "))
    .map(([whole]) => whole.trim());
}
