/**
 * The whole screen as rows: title, transcript, a line of remarks, the input. Pure, so that tests look at it
 * without a terminal.
 */
import { cutToWidth, graphemes, graphemeWidth, textWidth } from "../cell-width.ts";
import type { Messages } from "../messages.ts";
import type { Frame } from "./screen.ts";
import type { Row, Span } from "../span.ts";

export interface ChatView {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** Right of the title; `short` where the title would have no room beside it. */
  readonly connection: { readonly text: string; readonly short: string; readonly isGood: boolean };
  readonly transcript: readonly Row[];
  /** Rows hidden below; 0 when the newest is in view. */
  readonly scroll: number;
  /** Messages that came below while one reads above. */
  readonly newBelow: number;
  /** Completions, who is writing, or other conversations with something unread. */
  readonly remark: string;
  readonly input: string;
  readonly beforeCaret: string;
  readonly messages: Messages;
}

const prompt = "› ";
/** Cells that the title keeps beside a long state of the connection. */
const titleMinWidth = 16;

export function chatFrame(view: ChatView): Frame {
  const { width, height } = view;
  const inputRows = layOutInput(view.input, view.beforeCaret, width);
  // The input grows to a third of the screen, then scrolls with the caret.
  const inputHeight = Math.max(1, Math.min(inputRows.rows.length, Math.floor(height / 3)));
  const inputStart = Math.max(0, Math.min(inputRows.caret.row - inputHeight + 1, inputRows.rows.length - inputHeight));
  const transcriptHeight = transcriptRoom(height, inputHeight);
  const end = Math.max(view.transcript.length - view.scroll, Math.min(transcriptHeight, view.transcript.length));
  const shown = view.transcript.slice(Math.max(0, end - transcriptHeight), end);
  const rows: Row[] = [
    titleRow(view),
    ...Array.from({ length: transcriptHeight - shown.length }, (): Row => []),
    ...shown,
    remarkRow(view),
    ...inputRows.rows.slice(inputStart, inputStart + inputHeight),
  ];
  const caretRow = Math.min(height - 1, 2 + transcriptHeight + inputRows.caret.row - inputStart);
  return { rows: rows.slice(0, height), cursor: { row: caretRow, column: inputRows.caret.column } };
}

/** Rows that the transcript has on a screen of this height. */
export function transcriptRoom(height: number, inputHeight: number): number {
  return Math.max(0, height - 2 - inputHeight);
}

function titleRow({ width, title, connection }: ChatView): Row {
  const room = Math.max(0, width - Math.min(textWidth(title), titleMinWidth) - 2);
  const mark = connection.isGood ? "●" : "○";
  const text = textWidth(connection.text) + 2 <= room ? connection.text : connection.short;
  const state = cutToWidth(`${mark} ${text}`, Math.max(0, width - 2));
  const name = cutToWidth(title, Math.max(0, width - textWidth(state) - 2));
  const gap = " ".repeat(Math.max(1, width - textWidth(name) - textWidth(state)));
  return [
    { text: name, style: "bold" },
    { text: gap, style: "plain" },
    { text: state, style: connection.isGood ? "dim" : "error" },
  ];
}

function remarkRow({ width, remark, newBelow, messages }: ChatView): Row {
  const below: Span[] = newBelow > 0 ? [{ text: `${messages.newerBelow(newBelow)}  `, style: "unread" }] : [];
  const room = width - below.reduce((sum, { text }) => sum + textWidth(text), 0);
  return [...below, { text: cutToWidth(remark, Math.max(0, room)), style: "dim" }];
}

function layOutInput(input: string, beforeCaret: string, width: number): { rows: Row[]; caret: { row: number; column: number } } {
  const lines: string[] = [prompt];
  // The last column stays free: where the cursor stands after a character in it differs between terminals.
  const usable = Math.max(textWidth(prompt) + 2, width - 1);
  let column = textWidth(prompt);
  let caret = { row: 0, column };
  let offset = 0;
  const newLine = (): void => {
    lines.push(" ".repeat(textWidth(prompt)));
    column = textWidth(prompt);
  };
  for (const grapheme of graphemes(input)) {
    const cells = graphemeWidth(grapheme);
    if (grapheme !== "\n" && column + cells > usable) newLine();
    if (offset === beforeCaret.length) caret = { row: lines.length - 1, column };
    if (grapheme === "\n") newLine();
    else {
      lines[lines.length - 1] += grapheme;
      column += cells;
    }
    offset += grapheme.length;
  }
  if (offset === beforeCaret.length) caret = { row: lines.length - 1, column };
  return { rows: lines.map((text): Row => [{ text, style: "plain" }]), caret };
}
