/**
 * What can go wrong for a caller of the client: each with a stable `code`, and whether trying again may help.
 * The server's own refusals keep the server's codes (the table of docs/PROTOCOL.md).
 */
import type { ErrorCode, ErrorFrame } from "@suda/protocol";

/** There is no connection, it broke before the answer, or no answer came in time. What was asked may or may not have happened. */
export class ConnectionLost extends Error {
  override readonly name: string = "ConnectionLost";
  readonly code = "connection.lost";
  readonly retryable = true;
}

/** The client was disposed, or its connection ended for good. Messages that were not answered stay in the outbox. */
export class ClientClosed extends Error {
  override readonly name: string = "ClientClosed";
  readonly code = "client.closed";
  readonly retryable = false;
}

/** As many messages wait as the outbox takes, or as many taps as may; nothing was kept of this one. */
export class OutboxFull extends Error {
  override readonly name: string = "OutboxFull";
  readonly code = "outbox.full";
  readonly retryable = true;
}

/** The message was discarded before the server had it for sure. */
export class MessageDiscarded extends Error {
  override readonly name: string = "MessageDiscarded";
  readonly code = "message.discarded";
  readonly retryable = false;
}

export interface Refusal {
  /** One of {@link ErrorCode}; a newer server may know others. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** JSON pointer of the field that is wrong. */
  readonly path?: string;
}

/** The server refused, or would: a frame that it would close the connection for is refused here. */
export class RequestRefused extends Error {
  override readonly name: string = "RequestRefused";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly path: string | undefined;

  constructor({ code, message, retryable, retryAfterMs, path }: Refusal | ErrorFrame) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.path = path;
  }
}

/** The connection is gone: what still matters is asked anew by the next one. */
export function isGone(error: unknown): boolean {
  return error instanceof ConnectionLost || error instanceof ClientClosed;
}

/** In how many ms what was refused may be asked again; `undefined` when that would end the same way. */
export function retryDelayOf(error: unknown): number | undefined {
  return error instanceof RequestRefused && error.retryable ? (error.retryAfterMs ?? 1_000) : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
