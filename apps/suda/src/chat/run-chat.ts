/** Puts the terminal client together: connection, session, and the face that fits the terminal. */
import { SudaError, systemClock, systemRandom } from "@suda/protocol";
import { CommandError } from "../command-error.ts";
import { ConnectionLost, createConnection, type ChatConnection, type ConnectionListener } from "./connection.ts";
import { FullScreen } from "./full-screen.ts";
import { runJson } from "./json.ts";
import { messagesFor } from "./messages.ts";
import { ChatRefusal, ChatSession, type SessionListener } from "./model.ts";
import { PlainFace } from "./plain.ts";
import { Screen } from "./screen.ts";
import { safeLine } from "./text-safety.ts";

export interface ChatOptions {
  /** `ws://…/v1/socket`. */
  readonly url: string;
  readonly token: () => Promise<string>;
  /** Whom the token should be of, when the person said so. */
  readonly user: string | undefined;
  readonly face: "screen" | "plain" | "json";
  /** A user or a conversation to begin with. */
  readonly to: string | undefined;
  readonly language: "ko" | "en";
  readonly hasColour: boolean;
}

/** @returns the exit code. @throws CommandError when the server does not answer or refuses */
export async function runChat(options: ChatOptions): Promise<0 | 1> {
  // Timers of ours keep no process alive; what waits for a connection must.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const connect = (listener: ConnectionListener): ChatConnection =>
      createConnection({ url: options.url, token: options.token, listener, clock: systemClock, random: systemRandom });
    if (options.face === "json") {
      const { stdin: input, stdout: output, stderr: errorOutput } = process;
      return (await runJson({ connect, input, output, errorOutput })) ? 0 : 1;
    }
    return await (options.face === "plain" ? chatInLines(options, connect) : chatOnScreen(options, connect));
  } catch (error) {
    if (error instanceof ConnectionLost) {
      throw new CommandError(
        "chat.unreachable",
        `nothing answers at ${options.url} (${safeLine(error.message)})`,
        "Start a server with: suda dev — or say where it is with --url",
        { cause: error },
      );
    }
    if (error instanceof SudaError) {
      throw new CommandError("chat.refused", `${options.url} refused: ${safeLine(error.message)} (${error.code})`, fixOf(error), { cause: error });
    }
    throw error;
  } finally {
    clearInterval(alive);
  }
}

type Connect = (listener: ConnectionListener) => ChatConnection;

function createSession(options: ChatOptions, connect: Connect, listener: SessionListener): ChatSession {
  return new ChatSession({ connect, messages: messagesFor(options.language), clock: systemClock, random: systemRandom, listener });
}

async function openSession(session: ChatSession, user: string | undefined): Promise<void> {
  await session.open();
  if (user !== undefined && session.me !== user)
    throw new CommandError("token.invalid", `the token is ${session.me ?? "nobody"}'s, not ${user}'s`, "Leave out --as, or give that user's token");
}

async function openFirst(session: ChatSession, to: string): Promise<void> {
  const known = session.find(to);
  if (known !== undefined) await session.show(known);
  else await session.openDirect(session.userNamed(to));
}

async function chatInLines(options: ChatOptions, connect: Connect): Promise<0 | 1> {
  const { stdin: input, stdout: output, stderr: errorOutput } = process;
  let session: ChatSession | undefined;
  const known = (): ChatSession => {
    if (session === undefined) throw new Error("The session is made before it is heard.");
    return session;
  };
  const face = new PlainFace({ input, output, errorOutput, server: options.url, session: known });
  session = createSession(options, connect, face);
  try {
    await openSession(session, options.user);
    if (options.to !== undefined) await openFirst(session, options.to);
    return (await face.run()) ? 0 : 1;
  } catch (error) {
    if (error instanceof ChatRefusal) throw new CommandError("usage", error.message, "suda chat --help", { cause: error });
    throw error;
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

async function chatOnScreen(options: ChatOptions, connect: Connect): Promise<0 | 1> {
  const { stdin: input, stdout: output } = process;
  let face: FullScreen | undefined;
  const session = createSession(options, connect, {
    onChange: () => face?.onChange(),
    onNew: (event, view) => face?.onNew(event, view),
  });
  try {
    await openSession(session, options.user);
    const [newest] = session.conversations;
    if (options.to !== undefined) await openFirst(session, options.to);
    else if (newest !== undefined) await session.show(newest);
    else session.notice(session.messages.welcome);
    using screen = new Screen({ input, output, hasColour: options.hasColour });
    face = new FullScreen({ session, screen, input, output, clock: systemClock, server: options.url });
    await face.run();
    // What was sent in the last moment may still arrive.
    await Promise.race([session.settled(), new Promise<void>((resolve) => setTimeout(resolve, 2_000))]);
  } catch (error) {
    if (error instanceof ChatRefusal) throw new CommandError("usage", error.message, "suda chat --help", { cause: error });
    throw error;
  } finally {
    await session[Symbol.asyncDispose]();
  }
  if (session.unconfirmed === 0) return 0;
  process.stderr.write(`${session.messages.unconfirmed(session.unconfirmed)}\n`);
  return 1;
}

function fixOf(error: SudaError): string {
  if (error.code === "auth.invalid")
    return "The server has another key: give the data directory of that server (--data DIR), or a token of it (--token-file FILE)";
  if (error.code === "auth.expired") return "Get a new token: suda token USER --data DIR";
  return error.retryable ? "Try again in a moment" : "See docs/PROTOCOL.md for what this means";
}
