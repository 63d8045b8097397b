/**
 * The terminal: raw input, the other screen buffer, rows that changed, the real cursor at the caret. Whatever
 * ends the program, the terminal is as it was before.
 */
import { writeSync } from "node:fs";
import { graphemes, graphemeWidth, isUncertain } from "../cell-width.ts";
import type { Row, Style } from "../span.ts";

export interface Frame {
  /** As many as the terminal has rows, or fewer. */
  readonly rows: readonly Row[];
  /** Where the caret is, from 0: input methods draw there. */
  readonly cursor: { readonly row: number; readonly column: number };
}

export interface ScreenOptions {
  readonly input: typeof process.stdin;
  readonly output: typeof process.stdout;
  readonly hasColour: boolean;
}

// https://invisible-island.net/xterm/ctlseqs: the other buffer, no wrapping at the edge (a row that a terminal
// finds wider than we do must not push the next one down), brackets around pastes, focus reports.
const enterSequence = "\u001b[?1049h\u001b[?7l\u001b[?2004h\u001b[?1004h";
const leaveSequence = "\u001b[0m\u001b[?1004l\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l";

export class Screen implements Disposable {
  readonly #options: ScreenOptions;
  /** What stands on each row; empty: unknown, draw all. */
  #drawn: string[] = [];
  #isEntered = false;
  readonly #onExit = (): void => this.leave();
  /** Node would print the fault onto the other buffer, which is gone a moment later. */
  readonly #onCrash = (error: unknown): void => {
    this.leave();
    writeSync(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  };

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  get width(): number {
    return this.#options.output.columns || 80;
  }

  get height(): number {
    return this.#options.output.rows || 24;
  }

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    process.on("exit", this.#onExit);
    process.on("uncaughtException", this.#onCrash);
    this.#options.input.setRawMode(true);
    this.#options.output.write(enterSequence);
    this.redraw();
  }

  /** Synchronous, so that it works while the process is already ending. */
  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.off("exit", this.#onExit);
    process.off("uncaughtException", this.#onCrash);
    try {
      writeSync(this.#options.output.fd, leaveSequence);
      this.#options.input.setRawMode(false);
    } catch (error) {
      // The terminal itself is gone (EIO): nothing is left to restore.
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  /** Forgets what stands on the screen, so that the next frame draws all of it. */
  redraw(): void {
    this.#drawn = [];
  }

  draw({ rows, cursor }: Frame): void {
    if (!this.#isEntered) return;
    const { height } = this;
    let output = "";
    if (this.#drawn.length !== height) {
      output += "\u001b[2J";
      this.#drawn = Array.from({ length: height }, () => "");
    }
    for (let index = 0; index < height; index++) {
      const text = this.#render(rows[index] ?? []);
      if (text === this.#drawn[index]) continue;
      this.#drawn[index] = text;
      // Cleared before it is written: after a row that fills the screen the cursor still stands on its last cell.
      output += `\u001b[${index + 1};1H\u001b[K${text}`;
    }
    // One write, the cursor hidden meanwhile; synchronized update (mode 2026) where the terminal knows it.
    this.#options.output.write(`\u001b[?2026h\u001b[?25l${output}\u001b[${cursor.row + 1};${cursor.column + 1}H\u001b[?25h\u001b[?2026l`);
  }

  #render(row: Row): string {
    let output = "";
    let column = 0;
    for (const { text, style } of row) {
      const code = this.#options.hasColour ? styleCodes[style] : monochromeCodes[style];
      if (code !== "") output += `\u001b[${code}m`;
      for (const grapheme of graphemes(text)) {
        output += grapheme;
        column += graphemeWidth(grapheme);
        // Terminals disagree on the width of some emoji: say where the next cell is.
        if (isUncertain(grapheme)) output += `\u001b[${column + 1}G`;
      }
      if (code !== "") output += "\u001b[0m";
    }
    return output;
  }
}

const styleCodes: Readonly<Record<Style, string>> = {
  plain: "",
  dim: "2",
  bold: "1",
  italic: "3",
  code: "33",
  link: "4",
  mine: "36",
  other: "1;33",
  error: "31",
  unread: "35",
};

const monochromeCodes: Readonly<Record<Style, string>> = {
  plain: "",
  dim: "",
  bold: "1",
  italic: "",
  code: "",
  link: "4",
  mine: "",
  other: "1",
  error: "1",
  unread: "1",
};
