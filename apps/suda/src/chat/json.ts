/**
 * JSON lines both ways, for scripts: each input line is a command frame, each frame of the server one output
 * line. The client adds hello, and sends an unanswered `message.send` again after a break; other commands that
 * were under way are answered with an error of their `ref`. Remarks go to standard error.
 */
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { parseJson, stringifyFrame, SudaError, errorFrame, type ErrorFrame, type Ref, type ServerFrame } from "@suda/protocol";
import type { ChatConnection, ConnectionListener } from "./connection.ts";
import { safeJson, safeLine } from "./text-safety.ts";

export interface JsonOptions {
  readonly connect: (listener: ConnectionListener) => ChatConnection;
  readonly input: Readable;
  readonly output: Writable;
  readonly errorOutput: Writable;
}

/** Commands that may wait for their answer before the next line is read. */
const waitingMax = 500;

/** Reads until the input ends, then waits for the answers. @returns whether every line was a frame. @throws ConnectionLost, SudaError when the first connection fails */
export async function runJson({ connect, input, output, errorOutput }: JsonOptions): Promise<boolean> {
  const pending = new Map<Ref, object>();
  let wake = (): void => undefined;
  let lines: Interface | undefined;
  let isDone = false;
  const print = (frame: object): void => void output.write(`${safeJson(stringifyFrame(frame))}\n`);
  const settle = (frame: ServerFrame | ErrorFrame): void => {
    if ((frame.type === "reply" || frame.type === "error") && frame.ref !== undefined) pending.delete(frame.ref);
    wake();
  };
  const connection = connect({
    onFrame(frame) {
      print(frame);
      settle(frame);
    },
    onState(state) {
      if (state.kind === "waiting" || (state.kind === "closed" && !isDone)) errorOutput.write(`suda: ${safeLine(state.reason)}\n`);
      // Closed for good: what would still be read could not be sent.
      if (state.kind === "closed") lines?.close();
      wake();
    },
    onHello() {
      for (const [ref, frame] of pending) {
        if ("type" in frame && frame.type === "message.send") connection.transmit(frame);
        else refuse(ref, "server.draining", "The connection broke before the answer came.");
      }
    },
  });
  const refuse = (ref: Ref | undefined, code: "server.draining" | "frame.malformed", message: string): void => {
    const frame = errorFrame(new SudaError(code, message), ref);
    print(frame);
    settle(frame);
  };
  const until = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough() && connection.state.kind !== "closed") {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  await connection.open();
  lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => lines?.close());
  let isUnderstood = true;
  let nextRef = 1;
  for await (const line of lines) {
    if (line.trim() === "") continue;
    const fields = readObject(line);
    if (fields === undefined) {
      isUnderstood = false;
      refuse(undefined, "frame.malformed", "Each line is one JSON object: a command frame.");
      continue;
    }
    const ref = typeof fields["ref"] === "number" || typeof fields["ref"] === "string" ? fields["ref"] : `suda-${nextRef++}`;
    const frame = { ...fields, ref };
    await until(() => pending.size < waitingMax);
    pending.set(ref, frame);
    // Without a connection it waits for the next hello, like those that broke.
    connection.transmit(frame);
  }
  await until(() => pending.size === 0);
  isDone = true;
  await connection[Symbol.asyncDispose]();
  return isUnderstood && pending.size === 0;
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
