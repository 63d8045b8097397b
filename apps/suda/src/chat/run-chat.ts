/** Puts the terminal client together: the client SDK, a session, and the face that fits the terminal. */
import { ConnectionLost, openClient, RequestRefused, type SudaClient } from "@suda/client";
import { systemClock } from "@suda/protocol";
import { CommandError } from "../command-error.ts";
import { BotCommands } from "./bot-commands.ts";
import { ChatSocket } from "./chat-socket.ts";
import { FullScreen } from "./full-screen/full-screen.ts";
import { runJson } from "./json.ts";
import { messagesFor } from "./messages.ts";
import { openOutbox } from "./open-outbox.ts";
import { PlainFace } from "./plain.ts";
import { ChatRefusal } from "./refusal.ts";
import { Screen } from "./full-screen/screen.ts";
import { ChatSession, type SessionListener } from "./session.ts";
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
  /** Where unsent messages survive the program; in memory without. */
  readonly outbox: string | undefined;
  readonly language: "ko" | "en";
  readonly hasColour: boolean;
}

/** @returns the exit code. @throws CommandError when the server does not answer or refuses */
export async function runChat(options: ChatOptions): Promise<0 | 1> {
  // Timers of ours keep no process alive; what waits for a connection must.
  const alive = setInterval(() => undefined, 60_000);
  try {
    // A token that cannot be had is a mistake of the command line, and not something to try again.
    await options.token();
    return await chatWith(options);
  } catch (error) {
    if (error instanceof ConnectionLost) {
      throw new CommandError(
        "chat.unreachable",
        `nothing answers at ${options.url} (${safeLine(error.message)})`,
        "Start a server with: suda dev — or say where it is with --url",
        { cause: error },
      );
    }
    if (error instanceof RequestRefused) {
      throw new CommandError("chat.refused", `${options.url} refused: ${safeLine(error.message)} (${error.code})`, fixOf(error), { cause: error });
    }
    if (error instanceof ChatRefusal) throw new CommandError("usage", error.message, "suda chat --help", { cause: error });
    throw error;
  } finally {
    clearInterval(alive);
  }
}

async function chatWith(options: ChatOptions): Promise<0 | 1> {
  await using outbox = options.outbox === undefined ? undefined : await openOutbox(options.outbox);
  const messages = messagesFor(options.language);
  let tell = (problem: string): void => void process.stderr.write(`suda: ${problem}\n`);
  await using client = await openClient({
    url: options.url,
    tokenProvider: options.token,
    WebSocket: ChatSocket,
    onProblem: (problem) => tell(safeLine(problem instanceof Error ? problem.message : String(problem))),
    ...(outbox === undefined ? {} : { outbox }),
  });
  if (options.face === "json") {
    const { stdin: input, stdout: output, stderr: errorOutput } = process;
    return (await runJson({ client, input, output, errorOutput })) ? 0 : 1;
  }
  const isDone = await (options.face === "plain" ? chatInLines(options, client) : chatOnScreen(options, client, (told) => (tell = told)));
  const count = client.unconfirmed;
  if (count > 0) process.stderr.write(`${messages.unconfirmed(count)}\n`);
  if (count > 0 && options.outbox !== undefined) process.stderr.write(`${messages.kept(count, options.outbox)}\n`);
  return isDone && count === 0 ? 0 : 1;
}

function createSession(options: ChatOptions, client: SudaClient, listener: SessionListener): ChatSession {
  const botCommands = new BotCommands({ url: options.url, token: options.token, clock: systemClock });
  return new ChatSession({ client, messages: messagesFor(options.language), clock: systemClock, listener, botCommands });
}

async function openSession(session: ChatSession, user: string | undefined): Promise<void> {
  await session.open();
  if (user !== undefined && session.me !== user)
    throw new CommandError("token.invalid", `the token is ${session.me ?? "nobody"}'s, not ${user}'s`, "Leave out --as, or give that user's token");
}

async function openFirst(session: ChatSession, to: string): Promise<void> {
  const known = await session.find(to);
  if (known !== undefined) session.show(known);
  else await session.openDirect(session.userNamed(to));
}

/** @returns whether everything was done */
async function chatInLines(options: ChatOptions, client: SudaClient): Promise<boolean> {
  const { stdin: input, stdout: output, stderr: errorOutput } = process;
  let session: ChatSession | undefined;
  const known = (): ChatSession => {
    if (session === undefined) throw new Error("The session is made before it is heard.");
    return session;
  };
  const face = new PlainFace({ input, output, errorOutput, server: options.url, session: known });
  await using made = createSession(options, client, face);
  session = made;
  await openSession(made, options.user);
  if (options.to !== undefined) await openFirst(made, options.to);
  return await face.run();
}

/** @param onProblems is given what tells problems to the person while the screen is theirs */
async function chatOnScreen(options: ChatOptions, client: SudaClient, onProblems: (tell: (problem: string) => void) => void): Promise<boolean> {
  const { stdin: input, stdout: output } = process;
  let face: FullScreen | undefined;
  await using session = createSession(options, client, {
    onChange: () => face?.onChange(),
    onNew: (event, view) => face?.onNew(event, view),
  });
  await openSession(session, options.user);
  const [newest] = session.conversations;
  if (options.to !== undefined) await openFirst(session, options.to);
  else if (newest !== undefined) session.show(newest);
  else session.notice(session.messages.welcome);
  onProblems((problem) => session.notice(session.messages.problem(problem), true));
  using screen = new Screen({ input, output, hasColour: options.hasColour });
  face = new FullScreen({ session, screen, input, output, clock: systemClock, server: options.url });
  await face.run();
  return true;
}

function fixOf(error: RequestRefused): string {
  if (error.code === "auth.invalid")
    return "The server has another key: give the data directory of that server (--data DIR), or a token of it (--token-file FILE)";
  if (error.code === "auth.expired") return "Get a new token: suda token USER --data DIR";
  return error.retryable ? "Try again in a moment" : "See docs/PROTOCOL.md for what this means";
}
