/** Line in, line out: for pipes, screen readers and terminals that cannot move their cursor. */
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { SudaError, type LogEvent } from "@suda/protocol";
import { performInput } from "./commands.ts";
import { ConnectionLost } from "./connection.ts";
import { ChatRefusal, type ChatSession, type ConversationView, type SessionListener } from "./model.ts";
import { safeLine, safeText } from "./text-safety.ts";
import { itemText } from "./transcript.ts";

export interface PlainOptions {
  /** A call, because the session is made with this face as its listener. */
  readonly session: () => ChatSession;
  readonly input: Readable;
  readonly output: Writable;
  readonly errorOutput: Writable;
  readonly server: string;
}

/** Messages that may wait for their confirmation before the next line is read. */
const waitingMax = 200;

export class PlainFace implements SessionListener {
  readonly #options: PlainOptions;
  #lines: Interface | undefined;
  #printed: Promise<void> = Promise.resolve();

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  onChange(): void {
    // Closed for good: what would still be typed could not be sent.
    if (this.#options.session().connection.kind === "closed") this.#lines?.close();
  }

  onNew(event: LogEvent, view: ConversationView): void {
    this.#print(() => this.#eventText(event, view));
  }

  onNotice(text: string, isError: boolean): void {
    const { errorOutput } = this.#options;
    if (isError) errorOutput.write(`${indented(`· ${text}`)}\n`);
    else this.#print(() => indented(`· ${text}`));
  }

  onSettled(_view: ConversationView, { text, problem }: { readonly text: string; readonly problem?: string }): void {
    if (problem !== undefined) this.#options.errorOutput.write(`${indented(`✗ ${safeText(text)}`)}\n  ${problem}\n`);
  }

  /** Reads until the input ends or `/quit`, then waits for what is on its way. @returns whether everything was done */
  async run(): Promise<boolean> {
    const { input, errorOutput } = this.#options;
    const session = this.#options.session();
    let isRefused = false;
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = lines;
    const stop = (): void => lines.close();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
    const host = {
      session,
      server: this.#options.server,
      quit: stop,
      showHistory: (view: ConversationView, count: number) => this.#showHistory(view, count),
    };
    for await (const line of lines) {
      try {
        await performInput(host, line.normalize("NFC"));
      } catch (error) {
        if (!(error instanceof ChatRefusal || error instanceof SudaError || error instanceof ConnectionLost)) throw error;
        isRefused = true;
        errorOutput.write(`· ${safeLine(error.message)}\n`);
      }
      if (session.unconfirmed > waitingMax) await session.settled();
    }
    await session.settled();
    await this.#printed;
    return !isRefused && session.unconfirmed === 0;
  }

  async #showHistory(view: ConversationView, count: number): Promise<void> {
    const missing = count - view.timeline.events.length;
    if (missing > 0) await this.#options.session().loadOlder(view, missing);
    for (const event of view.timeline.events.slice(-count)) this.onNew(event, view);
  }

  /** In order, and not before the names in it are known: a line that is printed stays as it is. */
  #print(line: () => string): void {
    const before = this.#printed;
    this.#printed = (async () => {
      await before;
      await this.#options.session().namesLearned();
      this.#options.output.write(`${line()}\n`);
    })();
  }

  #eventText(event: LogEvent, view: ConversationView): string {
    const session = this.#options.session();
    const text = itemText({ kind: "event", event }, { me: session.me, messages: session.messages, nameOf: (user) => session.nameOf(user) });
    return indented(`[${session.titleOf(view)}] ${text}`);
  }
}

/** One message stays one block: its further lines cannot be taken for messages of others. */
function indented(text: string): string {
  return text.replaceAll("\n", "\n    ");
}
