/** What a person is told when something was refused; everything else that is thrown is a fault of the program. */
import { ClientClosed, ConnectionLost, MessageDiscarded, OutboxFull, RequestRefused } from "@suda/client";
import type { Messages } from "./messages.ts";
import { safeLine } from "./text-safety.ts";

/** A refusal of the program's own, in the person's language. */
export class ChatRefusal extends Error {
  override readonly name: string = "ChatRefusal";
  readonly code = "chat.refusal";
}

/** One line for the person; `undefined` when the error is none of those that they can do something about. */
export function refusalText(error: unknown, messages: Messages): string | undefined {
  if (error instanceof ConnectionLost) return messages.notConnected;
  if (error instanceof OutboxFull) return messages.outboxFull;
  if (error instanceof MessageDiscarded) return messages.discarded(1);
  if (error instanceof ChatRefusal || error instanceof RequestRefused || error instanceof ClientClosed) return safeLine(error.message);
  return undefined;
}
