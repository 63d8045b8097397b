/** The example frames of docs/PROTOCOL.md. */
import assert from "node:assert/strict";

export interface ExampleFrame {
  readonly isCommand: boolean;
  /** One WebSocket message. */
  readonly text: string;
}

export interface ExampleBlock {
  /** Of the document, where the block begins. */
  readonly line: number;
  readonly frames: readonly ExampleFrame[];
}

export function exampleBlocks(markdown: string): readonly ExampleBlock[] {
  return Array.from(markdown.matchAll(/^```frames\n([\s\S]*?)^```$/gm), (match) => ({
    line: markdown.slice(0, match.index).split("\n").length,
    frames: (match[1] ?? "")
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => {
        assert.match(text, /^[→←] /, "a line of a block begins with the direction");
        return { isCommand: text.startsWith("→"), text: text.slice(2) };
      }),
  }));
}
