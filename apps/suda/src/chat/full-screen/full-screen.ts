/** The face for people: keys in, frames out. Everything it knows of the chat is in the session. */
import type { Clock, LogEvent } from "@suda/protocol";
import { chatFrame, transcriptRoom } from "./chat-frame.ts";
import { performInput, type CommandHost } from "../commands.ts";
import { complete } from "../completion.ts";
import { connectionText, remarkText, titleText } from "./frame-texts.ts";
import type { ConversationView } from "../conversation-view.ts";
import { KeyParser, type Key } from "./key-parser.ts";
import { LineEditor } from "./line-editor.ts";
import { refusalText } from "../refusal.ts";
import type { Screen } from "./screen.ts";
import type { ChatSession } from "../session.ts";
import type { Row } from "../span.ts";
import { transcriptItems } from "../transcript-items.ts";
import { transcriptRows } from "../transcript.ts";

export interface FullScreenOptions {
  readonly session: ChatSession;
  readonly screen: Screen;
  readonly input: typeof process.stdin;
  readonly output: typeof process.stdout;
  readonly clock: Clock;
  /** The server's address, for people. */
  readonly server: string;
}

interface BuiltRows {
  readonly rows: readonly Row[];
  readonly width: number;
  readonly view: ConversationView | undefined;
  /** Seq of the oldest event among them. */
  readonly first: number | undefined;
}

/** How long after ESC the rest of a sequence may take, over a slow line. */
const escapeWaitMs = 50;

export class FullScreen {
  readonly #options: FullScreenOptions;
  readonly #session: ChatSession;
  readonly #host: CommandHost;
  readonly #parser = new KeyParser();
  readonly #editor = new LineEditor();
  /** What was entered is carried out one after the other: a text after `/dm` goes where `/dm` leads. */
  #performing: Promise<void> = Promise.resolve();
  #end: (() => void) | undefined;
  #isDrawScheduled = false;
  #isLoadingOlder = false;
  /** Rows of the transcript, until the session or the width changes. */
  #rows: BuiltRows | undefined;
  #isStale = true;
  /** Rows below the screen while one reads above. */
  #scroll = 0;
  #newBelow = 0;
  #remark = "";
  #isCountingDown = false;

  constructor(options: FullScreenOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#host = {
      session: options.session,
      server: options.server,
      quit: () => this.#end?.(),
      showHistory: async (view, count) => {
        await this.#loadOlder(view, count);
        this.#scrollBy(this.#room() - 1);
      },
    };
  }

  /** Resolves when the person leaves. */
  async run(): Promise<void> {
    const { input, output, screen } = this.#options;
    const onData = (bytes: Buffer): void => this.#onKeys(this.#parser.push(bytes));
    const onResize = (): void => {
      screen.redraw();
      this.#draw();
    };
    const onContinue = (): void => {
      screen.enter();
      this.#draw();
    };
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    const quit = (): void => this.#end?.();
    const signals = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
    for (const signal of signals) process.on(signal, quit);
    process.on("SIGCONT", onContinue);
    output.on("resize", onResize);
    input.on("data", onData);
    input.once("end", quit);
    screen.enter();
    this.#draw();
    await ended;
    input.off("data", onData).off("end", quit).pause();
    output.off("resize", onResize);
    process.off("SIGCONT", onContinue);
    for (const signal of signals) process.off(signal, quit);
    screen.leave();
  }

  /** The session has changed. */
  onChange(): void {
    this.#isStale = true;
    this.#scheduleDraw();
  }

  onNew(event: LogEvent, view: ConversationView): void {
    if (view === this.#session.current && this.#scroll > 0 && event.type === "message.created") this.#newBelow++;
  }

  // ── keys ────────────────────────────────────────────────────────────────────────────────────────────

  #onKeys(keys: readonly Key[]): void {
    for (const key of keys) this.#onKey(key);
    if (this.#parser.isUndecided) this.#options.clock.schedule(escapeWaitMs, () => this.#onKeys(this.#parser.flush()));
    this.#scheduleDraw();
  }

  #onKey(key: Key): void {
    if (key.kind === "named" && (key.name === "focus-in" || key.name === "focus-out")) {
      this.#session.isFocused = key.name === "focus-in";
      this.#session.markRead();
      return;
    }
    this.#remark = "";
    const before = this.#editor.text;
    this.#edit(key);
    if (this.#editor.text !== before) this.#session.typed(this.#editor.text);
  }

  #edit(key: Key): void {
    if (key.kind === "text") this.#editor.insert(key.text);
    else if (key.kind === "paste") {
      this.#editor.insert(key.text.replace(/\n$/, "").replaceAll("\t", "  "));
      if (key.isCut) this.#remark = this.#session.messages.pasteCut;
    } else this.#actions[`${key.ctrl ? "ctrl+" : ""}${key.alt ? "alt+" : ""}${key.name}`]?.();
  }

  /** `ctrl+w`, `alt+left`, `enter`: a key without a row does nothing. */
  readonly #actions: Readonly<Record<string, (() => void) | undefined>> = {
    enter: () => this.#enter(),
    newline: () => this.#editor.insert("\n"),
    tab: () => this.#complete(),
    backspace: () => this.#editor.backspace(),
    delete: () => this.#editor.delete(),
    left: () => this.#editor.left(),
    right: () => this.#editor.right(),
    up: () => this.#editor.up(),
    down: () => this.#editor.down(),
    home: () => this.#editor.home(),
    end: () => (this.#scroll > 0 && this.#editor.text === "" ? this.#scrollBy(-this.#scroll) : this.#editor.end()),
    "page-up": () => this.#pageUp(),
    "page-down": () => this.#scrollBy(1 - this.#room()),
    escape: () => this.#session.asking.cancel() || this.#scrollBy(-this.#scroll),
    "ctrl+left": () => this.#editor.wordLeft(),
    "alt+left": () => this.#editor.wordLeft(),
    "alt+b": () => this.#editor.wordLeft(),
    "ctrl+right": () => this.#editor.wordRight(),
    "alt+right": () => this.#editor.wordRight(),
    "alt+f": () => this.#editor.wordRight(),
    "alt+backspace": () => this.#editor.deleteWord(),
    "ctrl+w": () => this.#editor.deleteWord(),
    "ctrl+u": () => this.#editor.deleteToStart(),
    "ctrl+k": () => this.#editor.deleteToEnd(),
    "ctrl+a": () => this.#editor.home(),
    "ctrl+e": () => this.#editor.end(),
    "ctrl+b": () => this.#editor.left(),
    "ctrl+f": () => this.#editor.right(),
    "ctrl+c": () => (this.#editor.text === "" ? this.#end?.() : this.#editor.clear()),
    "ctrl+d": () => (this.#editor.text === "" ? this.#end?.() : this.#editor.delete()),
    "ctrl+l": () => this.#options.screen.redraw(),
    "ctrl+n": () => this.#step(1),
    "ctrl+p": () => this.#step(-1),
    "ctrl+r": () => this.#session.client.retryNow(),
    "ctrl+z": () => this.#suspend(),
  };

  #enter(): void {
    const text = this.#editor.take();
    // An empty line skips what is asked.
    if (text.trim() === "" && this.#session.asking.question === undefined) return;
    this.#scrollBy(-this.#scroll);
    this.#perform(() => performInput(this.#host, text));
  }

  /** Carries out after what came before; a refusal becomes a remark. */
  #perform(task: () => Promise<unknown>): void {
    const before = this.#performing;
    this.#performing = (async () => {
      await before;
      try {
        await task();
      } catch (error) {
        const problem = refusalText(error, this.#session.messages);
        if (problem === undefined) throw error;
        this.#session.notice(problem, true);
      }
    })();
  }

  #complete(): void {
    const completion = complete(this.#session, this.#editor.beforeCaret);
    if (completion === undefined) return;
    this.#editor.replaceBefore(completion.replaced, completion.text);
    this.#remark = completion.candidates.join("  ");
  }

  #step(direction: 1 | -1): void {
    const views = this.#session.conversations;
    const at = views.findIndex((view) => view === this.#session.current);
    const next = views[(at + direction + views.length) % views.length];
    if (next !== undefined) this.#session.show(next);
  }

  #suspend(): void {
    this.#options.screen.leave();
    // Comes back with SIGCONT.
    process.kill(process.pid, "SIGTSTP");
  }

  // ── scrolling ───────────────────────────────────────────────────────────────────────────────────────

  #room(): number {
    return Math.max(1, transcriptRoom(this.#options.screen.height, 1));
  }

  #pageUp(): void {
    const total = this.#rows?.rows.length ?? 0;
    const isAtTop = this.#scroll + this.#room() >= total;
    this.#scrollBy(this.#room() - 1);
    const view = this.#session.current;
    if (isAtTop && view !== undefined) this.#perform(() => this.#loadOlder(view, undefined));
  }

  #scrollBy(rows: number): void {
    const total = this.#rows?.rows.length ?? 0;
    this.#scroll = Math.max(0, Math.min(this.#scroll + rows, total - this.#room()));
    if (this.#scroll === 0) this.#newBelow = 0;
    this.#scheduleDraw();
  }

  async #loadOlder(view: ConversationView, count: number | undefined): Promise<void> {
    if (this.#isLoadingOlder) return;
    this.#isLoadingOlder = true;
    try {
      await this.#session.loadOlder(view, count);
      this.#buildRows();
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  // ── drawing ─────────────────────────────────────────────────────────────────────────────────────────

  #scheduleDraw(): void {
    if (this.#isDrawScheduled) return;
    this.#isDrawScheduled = true;
    // Once for all that one turn brings.
    setImmediate(() => {
      this.#isDrawScheduled = false;
      this.#draw();
    });
  }

  #buildRows(): readonly Row[] {
    const { screen } = this.#options;
    const view = this.#session.current;
    const known = this.#rows;
    if (known !== undefined && !this.#isStale && known.width === screen.width && known.view === view) return known.rows;
    const snapshot = view?.snapshot;
    const first = snapshot?.events[0]?.seq;
    const notices = (view?.notices ?? this.#session.lobby).all;
    const rows = transcriptRows({
      items: transcriptItems(snapshot ?? { events: [], messages: [], record: undefined }, notices),
      unreadAfter: view?.unreadAfter,
      isFromBeginning: snapshot?.status === "ready" && !snapshot.hasOlder,
      width: screen.width,
      me: this.#session.me,
      nameOf: (user) => this.#session.people.nameOf(user),
      messages: this.#session.messages,
    });
    if (snapshot?.status === "loading") rows.push([{ text: "…", style: "dim" }]);
    else if (view !== undefined && rows.length === 0) rows.push([{ text: this.#session.messages.nothingYet, style: "dim" }]);
    // Whoever reads above keeps their place: what is new below moves the end away, and what came above does not.
    if (known?.view !== view) this.#scroll = 0;
    else if (known !== undefined && this.#scroll > 0 && known.first === first) this.#scroll = Math.max(0, this.#scroll + rows.length - known.rows.length);
    this.#isStale = false;
    this.#rows = { rows, width: screen.width, view, first };
    return rows;
  }

  #draw(): void {
    const { screen } = this.#options;
    const { messages, connection } = this.#session;
    if (connection.kind === "waiting") this.#countDown();
    const transcript = this.#buildRows();
    screen.draw(
      chatFrame({
        width: screen.width,
        height: screen.height,
        title: titleText(this.#session),
        connection: connectionText(this.#session, this.#options.clock.now()),
        transcript,
        scroll: this.#scroll,
        newBelow: this.#newBelow,
        remark: this.#remark === "" ? remarkText(this.#session) : this.#remark,
        input: safeInput(this.#editor.text),
        beforeCaret: safeInput(this.#editor.beforeCaret),
        messages,
      }),
    );
  }

  /** Draws again in a second; one timer, however often something else draws. */
  #countDown(): void {
    if (this.#isCountingDown) return;
    this.#isCountingDown = true;
    this.#options.clock.schedule(1_000, () => {
      this.#isCountingDown = false;
      this.#scheduleDraw();
    });
  }
}

/** A paste may hold control characters; they are sent, but never drawn as such. One visible cell keeps the caret true. */
function safeInput(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\u00b7");
}
