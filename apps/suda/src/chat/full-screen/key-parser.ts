/**
 * From the bytes of a raw terminal to keys. UTF-8 that is split between two reads, escape sequences that are
 * split, and a paste in brackets (`ESC [ 200 ~ … ESC [ 201 ~`) come out whole; a paste is one key, whatever
 * lines it holds.
 */
// Control characters are what this file is about.
/* oxlint-disable no-control-regex */
import { StringDecoder } from "node:string_decoder";

export type Key =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "paste"; readonly text: string; readonly isCut: boolean }
  | { readonly kind: "named"; readonly name: KeyName; readonly ctrl: boolean; readonly alt: boolean };

export type KeyName =
  | "enter"
  | "newline"
  | "tab"
  | "shift-tab"
  | "escape"
  | "backspace"
  | "delete"
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "page-up"
  | "page-down"
  | "focus-in"
  | "focus-out"
  | "unknown"
  | ControlLetter;

type ControlLetter = "a" | "b" | "c" | "d" | "e" | "f" | "k" | "l" | "n" | "p" | "r" | "t" | "u" | "w" | "y" | "z";

/** UTF-16 units of one paste that are kept; the rest is dropped and `isCut` says so. Five times the longest message. */
const pasteMaxLength = 25_000;
const pasteEnd = "\u001b[201~";

export class KeyParser {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #paste: { text: string; isCut: boolean } | undefined;

  /** Whether an escape was read that may be the key itself or the beginning of a sequence: {@link flush} decides after a short wait. */
  get isUndecided(): boolean {
    return this.#rest.startsWith("\u001b") && this.#paste === undefined;
  }

  push(bytes: Uint8Array): Key[] {
    this.#rest += this.#decoder.write(bytes);
    return this.#parse();
  }

  /** What was undecided is the Escape key. */
  flush(): Key[] {
    if (!this.isUndecided) return [];
    this.#rest = this.#rest.slice(1);
    return [named("escape"), ...this.#parse()];
  }

  #parse(): Key[] {
    const keys: Key[] = [];
    while (this.#rest !== "") {
      const consumed = this.#paste === undefined ? this.#parseKey(keys) : this.#parsePaste(keys, this.#paste);
      if (consumed === 0) break;
      this.#rest = this.#rest.slice(consumed);
    }
    return keys;
  }

  /** Takes one key from the beginning; 0 when it is not whole yet. */
  #parseKey(keys: Key[]): number {
    const text = this.#rest;
    if (!text.startsWith("\u001b")) {
      const [run] = /^[^\u0000-\u001f\u007f]+/.exec(text) ?? [];
      keys.push(run === undefined ? controlKey(text.charCodeAt(0), false) : { kind: "text", text: run });
      return run?.length ?? 1;
    }
    if (text.length === 1) return 0;
    const sequence = /^\u001b(?:\[(?<parameters>[0-?]*)[ -/]*(?<final>[@-~])|O(?<ss3>[@-~]))/.exec(text);
    if (sequence !== null) {
      const { parameters = "", final = "", ss3 } = sequence.groups ?? {};
      if (final === "~" && parameters === "200") this.#paste = { text: "", isCut: false };
      else keys.push(sequenceKey(parameters, ss3 ?? final));
      return sequence[0].length;
    }
    // A sequence that may still become whole; a terminal never sends one of more than 32 characters.
    if (/^\u001b(?:\[[0-?]*[ -/]*|O)$/.test(text) && text.length < 32) return 0;
    // Alt and a key: ESC and what the key itself sends.
    const next = text.codePointAt(1) ?? 0;
    if (next < 0x20 || next === 0x7f) keys.push(next === 0x1b ? named("escape") : controlKey(next, true));
    else keys.push(altLetter(String.fromCodePoint(next)));
    return next === 0x1b ? 1 : 1 + String.fromCodePoint(next).length;
  }

  #parsePaste(keys: Key[], paste: { text: string; isCut: boolean }): number {
    const end = this.#rest.indexOf(pasteEnd);
    // Without the end, what could be its beginning stays for the next read.
    const take = end === -1 ? this.#rest.length - partialEnd(this.#rest) : end;
    const room = pasteMaxLength - paste.text.length;
    paste.text += this.#rest.slice(0, Math.min(take, room));
    paste.isCut ||= take > room;
    if (end === -1) return take;
    keys.push({ kind: "paste", text: paste.text.replaceAll(/\r\n?/g, "\n").toWellFormed(), isCut: paste.isCut });
    this.#paste = undefined;
    return end + pasteEnd.length;
  }
}

function partialEnd(text: string): number {
  for (let length = Math.min(pasteEnd.length - 1, text.length); length > 0; length--) if (text.endsWith(pasteEnd.slice(0, length))) return length;
  return 0;
}

function named(name: KeyName, ctrl = false, alt = false): Key {
  return { kind: "named", name, ctrl, alt };
}

function controlKey(code: number, alt: boolean): Key {
  switch (code) {
    case 0x0d:
      // Alt+Enter is a new line of the same message, as is Ctrl+J.
      return named(alt ? "newline" : "enter");
    case 0x0a:
      return named("newline");
    case 0x09:
      return named("tab");
    case 0x7f:
    case 0x08:
      return named("backspace", false, alt);
    default: {
      const letter = String.fromCharCode(code + 0x60);
      return isControlLetter(letter) ? named(letter, true, alt) : named("unknown");
    }
  }
}

function altLetter(letter: string): Key {
  return isControlLetter(letter) ? named(letter, false, true) : named("unknown");
}

function isControlLetter(letter: string): letter is ControlLetter {
  return "abcdefklnprtuwyz".includes(letter);
}

/** https://invisible-island.net/xterm/ctlseqs: `CSI 1 ; 5 C` is Ctrl and the right arrow. */
function sequenceKey(parameters: string, final: string): Key {
  const [first = "", modifier = "1"] = parameters.split(";");
  const bits = Number(modifier) - 1;
  const names: Readonly<Record<string, KeyName>> = {
    A: "up",
    B: "down",
    C: "right",
    D: "left",
    H: "home",
    F: "end",
    I: "focus-in",
    O: "focus-out",
    Z: "shift-tab",
    "1~": "home",
    "3~": "delete",
    "4~": "end",
    "5~": "page-up",
    "6~": "page-down",
    "7~": "home",
    "8~": "end",
  };
  const name = names[final === "~" ? `${first}~` : final];
  return name === undefined ? named("unknown") : named(name, (bits & 4) !== 0, (bits & 2) !== 0);
}
