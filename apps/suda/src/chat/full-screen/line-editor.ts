/**
 * What is being typed, and where the caret stands. Pure state: the screen draws it, the keys change it. The
 * caret always stands between graphemes, so that Backspace takes a whole syllable or a whole family.
 */
import { graphemes } from "../cell-width.ts";

/** Lines of earlier input that Up brings back. */
const historyMax = 100;

export class LineEditor {
  #text = "";
  /** UTF-16 offset, between graphemes. */
  #caret = 0;
  readonly #history: string[] = [];
  /** Position in the history while one walks it; its length when not. */
  #historyAt = 0;
  #draft = "";

  get text(): string {
    return this.#text;
  }

  get beforeCaret(): string {
    return this.#text.slice(0, this.#caret);
  }

  insert(text: string): void {
    this.#replace(this.#caret, this.#caret, text);
  }

  /** Replaces the end of what stands before the caret: for completion. */
  replaceBefore(length: number, text: string): void {
    this.#replace(this.#caret - length, this.#caret, text);
  }

  backspace(): void {
    this.#replace(this.#previous(), this.#caret, "");
  }

  delete(): void {
    this.#replace(this.#caret, this.#next(), "");
  }

  deleteWord(): void {
    this.#replace(this.#wordStart(), this.#caret, "");
  }

  deleteToStart(): void {
    this.#replace(this.#lineStart(), this.#caret, "");
  }

  deleteToEnd(): void {
    this.#replace(this.#caret, this.#lineEnd(), "");
  }

  left(): void {
    this.#caret = this.#previous();
  }

  right(): void {
    this.#caret = this.#next();
  }

  wordLeft(): void {
    this.#caret = this.#wordStart();
  }

  wordRight(): void {
    const [skipped = ""] = /^\s*\S*/.exec(this.#text.slice(this.#caret)) ?? [];
    this.#caret += skipped.length;
  }

  home(): void {
    this.#caret = this.#lineStart();
  }

  end(): void {
    this.#caret = this.#lineEnd();
  }

  clear(): void {
    this.#set("");
    this.#historyAt = this.#history.length;
  }

  /** Takes what was typed, in composed form (NFC), and keeps it for Up. */
  take(): string {
    const text = this.#text.normalize("NFC");
    if (text.trim() !== "" && this.#history.at(-1) !== text) this.#history.push(text);
    if (this.#history.length > historyMax) this.#history.shift();
    this.clear();
    return text;
  }

  /** Up in the first line brings earlier input; elsewhere it goes one line up. */
  up(): void {
    const start = this.#lineStart();
    if (start > 0) this.#moveToLine(this.#lineStart(start - 1), start);
    else if (this.#historyAt > 0) {
      if (this.#historyAt === this.#history.length) this.#draft = this.#text;
      this.#set(this.#history[--this.#historyAt] ?? "");
    }
  }

  down(): void {
    const end = this.#lineEnd();
    if (end < this.#text.length) this.#moveToLine(end + 1, this.#lineStart());
    else if (this.#historyAt < this.#history.length) this.#set(this.#history[++this.#historyAt] ?? this.#draft);
  }

  #set(text: string): void {
    this.#text = text;
    this.#caret = text.length;
  }

  #replace(from: number, to: number, text: string): void {
    const end = from + text.length;
    this.#text = this.#text.slice(0, from) + text + this.#text.slice(to);
    // What was inserted may have joined with its neighbours: stand behind the grapheme it became part of.
    this.#caret = this.#boundaryAtOrAfter(end);
  }

  #boundaryAtOrAfter(offset: number): number {
    let at = 0;
    for (const grapheme of graphemes(this.#text)) {
      if (at >= offset) return at;
      at += grapheme.length;
    }
    return at;
  }

  #previous(): number {
    return this.#caret - (graphemes(this.beforeCaret).at(-1)?.length ?? 0);
  }

  #next(): number {
    return this.#caret + (graphemes(this.#text.slice(this.#caret))[0]?.length ?? 0);
  }

  #wordStart(): number {
    return this.#caret - (/\S*\s*$/.exec(this.beforeCaret)?.[0].length ?? 0);
  }

  #lineStart(from = this.#caret): number {
    return from === 0 ? 0 : this.#text.lastIndexOf("\n", from - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#caret);
    return end === -1 ? this.#text.length : end;
  }

  /** To the line that begins at `start`, as many graphemes in as the caret is now from `currentStart`. */
  #moveToLine(start: number, currentStart: number): void {
    const column = graphemes(this.#text.slice(currentStart, this.#caret)).length;
    const end = this.#text.indexOf("\n", start);
    const line = this.#text.slice(start, end === -1 ? undefined : end);
    this.#caret = start + graphemes(line).slice(0, column).join("").length;
  }
}
