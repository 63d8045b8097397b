/**
 * JSON lines both ways, for scripts: each input line is a command frame, each output line its answer or an event.
 * The client says hello, whose answer is a line at each connection, and fills holes: the events of a log come once
 * each and in order, also after a break, so that a script needs no cursor. A `message.send` or `interaction.tap`
 * without an answer is asked again at the next connection; other commands that were under way are answered with an error of their
 * `ref`. Remarks go to standard error.
 */
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { ClientClosed, ConnectionLost, RequestRefused, type ClientEvents, type SudaClient } from "@suda/client";
import { parseJson, stringifyFrame, SudaError, type CommandType, type Ref } from "@suda/protocol";
import { firstConnection } from "./first-connection.ts";
import { safeJson, safeLine } from "./text-safety.ts";

export interface JsonOptions {
  /** Before it has a connection. */
  readonly client: SudaClient;
  readonly input: Readable;
  readonly output: Writable;
  readonly errorOutput: Writable;
}

/** Commands that may wait for their answer before the next line is read. */
const waitingMax = 500;
/** The `ref` of the client's own hello. */
const helloRef = "suda-hello";

/** What is printed as it comes; `event` is all entries of logs. */
const printed = [
  "event",
  "conversation.joined",
  "conversation.left",
  "typing.started",
  "typing.stopped",
  "thinking.started",
  "thinking.stopped",
  "stream.started",
  "stream.appended",
  "stream.finished",
  "stream.aborted",
  "receipt.updated",
  "interaction.answered",
  "presence.changed",
  "log.reset",
  "log.truncated",
] as const satisfies readonly (keyof ClientEvents)[];

interface Pending {
  readonly ref: Ref;
  readonly type: CommandType;
  readonly fields: object;
  /** On its way; else it waits for a connection. */
  isAsked: boolean;
}

/** Reads until the input ends, then waits for the answers. @returns whether every line was a frame and was answered. @throws ConnectionLost, RequestRefused when the first attempt to connect fails */
export async function runJson(options: JsonOptions): Promise<boolean> {
  return await new JsonFace(options).run();
}

class JsonFace {
  readonly #options: JsonOptions;
  /** In the order of the input. */
  readonly #pending = new Set<Pending>();
  #lines: Interface | undefined;
  #wake = (): void => undefined;
  #wasOpen = false;
  #hasBeenOpen = false;
  #isDone = false;
  #nextRef = 1;

  constructor(options: JsonOptions) {
    this.#options = options;
    const { client } = options;
    for (const type of printed) client.on(type, (event) => this.#print(event));
    client.connection.subscribe(() => this.#onConnection());
  }

  async run(): Promise<boolean> {
    const { client, input } = this.#options;
    await firstConnection(client);
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = lines;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => lines.close());
    let isUnderstood = true;
    for await (const line of lines) {
      if (line.trim() === "") continue;
      const command = this.#read(line);
      isUnderstood &&= command !== undefined;
      if (command === undefined) continue;
      await this.#until(() => this.#pending.size < waitingMax);
      this.#pending.add(command);
      this.#askAll();
    }
    await this.#until(() => this.#pending.size === 0);
    this.#isDone = true;
    return isUnderstood && this.#pending.size === 0;
  }

  #read(line: string): Pending | undefined {
    const object = readObject(line);
    if (object === undefined) {
      this.#print({ type: "error", code: "frame.malformed", message: "Each line is one JSON object: a command frame.", retryable: false });
      return undefined;
    }
    const { ref: given, type, ...fields } = object;
    const ref = typeof given === "number" || typeof given === "string" ? given : `suda-${this.#nextRef++}`;
    // The server says what it does not know.
    return { ref, type: type as CommandType, fields, isAsked: false };
  }

  /** Asks what waits, in order; without a connection it waits for the next. */
  #askAll(): void {
    if (this.#options.client.connection.getSnapshot().kind !== "open") return;
    for (const command of this.#pending) {
      if (command.isAsked) continue;
      command.isAsked = true;
      void this.#ask(command);
    }
  }

  async #ask(command: Pending): Promise<void> {
    const { ref, type, fields } = command;
    try {
      const reply = await this.#options.client.request(type, fields);
      this.#print({ ...reply, type: "reply", ref });
    } catch (error) {
      if (error instanceof ClientClosed) return this.#wake();
      if (error instanceof RequestRefused) this.#print(frameOf(error, ref));
      else if (!(error instanceof ConnectionLost)) throw error;
      else if (type === "message.send" || type === "interaction.tap") {
        // With its clientId a second time is harmless.
        command.isAsked = false;
        return this.#askAll();
      } else this.#print({ type: "error", ref, code: "server.draining", message: "The connection broke before the answer came.", retryable: true });
    }
    this.#pending.delete(command);
    this.#wake();
  }

  #onConnection(): void {
    const { client, errorOutput } = this.#options;
    const state = client.connection.getSnapshot();
    const wasOpen = this.#wasOpen;
    this.#wasOpen = state.kind === "open";
    this.#hasBeenOpen ||= this.#wasOpen;
    if (state.kind === "open" && !wasOpen) {
      const { conversations, hasMore } = client.conversations.getSnapshot();
      this.#print({ type: "reply", ref: helloRef, user: state.user, conversations, more: hasMore });
      this.#askAll();
    }
    const isTold = this.#hasBeenOpen && !this.#isDone && (state.kind === "waiting" || state.kind === "closed");
    if (isTold) errorOutput.write(`suda: ${safeLine(state.reason)}\n`);
    // Closed for good: what would still be read could not be sent.
    if (state.kind === "closed") this.#lines?.close();
    this.#wake();
  }

  async #until(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && this.#options.client.connection.getSnapshot().kind !== "closed") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #print(frame: object): void {
    this.#options.output.write(`${safeJson(stringifyFrame(frame))}\n`);
  }
}

function frameOf({ code, message, retryable, retryAfterMs, path }: RequestRefused, ref: Ref): object {
  return { type: "error", ref, code, message, retryable, retryAfterMs, path };
}

function readObject(line: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SudaError) return undefined;
    throw error;
  }
}
