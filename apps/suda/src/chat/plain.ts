/** Line in, line out: for pipes, screen readers and terminals that cannot move their cursor. */
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { LogEvent } from "@suda/protocol";
import { performInput } from "./commands.ts";
import type { ConversationView } from "./conversation-view.ts";
import { refusalText } from "./refusal.ts";
import type { ChatSession, SessionListener } from "./session.ts";
import { safeText } from "./text-safety.ts";
import { itemOf } from "./transcript-items.ts";
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

  onFailed(text: string, problem: string): void {
    this.#options.errorOutput.write(`${indented(`✗ ${safeText(text)}`)}\n  ${problem}\n`);
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
        const problem = refusalText(error, session.messages);
        if (problem === undefined) throw error;
        isRefused = true;
        errorOutput.write(`· ${problem}\n`);
      }
      if (session.client.unconfirmed > waitingMax) await session.settled();
    }
    await session.settled();
    await this.#printed;
    return !isRefused && session.client.unconfirmed === 0;
  }

  async #showHistory(view: ConversationView, count: number): Promise<void> {
    const session = this.#options.session();
    session.requireConnection();
    await view.room.load();
    const missing = count - view.snapshot.events.length;
    if (missing > 0) await session.loadOlder(view, missing);
    for (const event of view.snapshot.events.slice(-count)) this.onNew(event, view);
  }

  /** In order, and not before the names in it are known: a line that is printed stays as it is. */
  #print(line: () => string): void {
    const before = this.#printed;
    this.#printed = (async () => {
      await before;
      await this.#options.session().people.learned();
      this.#options.output.write(`${line()}\n`);
    })();
  }

  #eventText(event: LogEvent, view: ConversationView): string {
    const session = this.#options.session();
    const item = itemOf(event, session.me, view.snapshot);
    const text = itemText(item, { messages: session.messages, nameOf: (user) => session.people.nameOf(user) });
    return indented(`[${session.titleOf(view)}] ${text}`);
  }
}

/** One message stays one block: its further lines cannot be taken for messages of others. */
function indented(text: string): string {
  return text.replaceAll("\n", "\n    ");
}
