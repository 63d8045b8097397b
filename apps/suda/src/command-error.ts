/**
 * What a person meets when a command cannot do its work: one line that says what happened, one line that
 * says how to fix it, and the exit code. Everything else that is thrown is a fault of ours.
 */
export type CommandErrorCode =
  | "usage"
  | "config"
  | "port.in_use"
  | "port.refused"
  | "data.unusable"
  | "store.unusable"
  | "layer.unusable"
  | "keys.missing"
  | "keys.invalid"
  | "development.refused"
  | "token.invalid"
  | "chat.unreachable"
  | "chat.refused"
  | "server.unreachable"
  | "server.refused"
  | "outbox.unusable"
  | "file.unreadable"
  | "file.exists"
  | "file.unwritable"
  | "backup.invalid"
  | "backup.damaged"
  | "migration.failed";

export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly code: CommandErrorCode;
  /** What to do about it: a command, or half a sentence. */
  readonly fix: string;

  constructor(code: CommandErrorCode, message: string, fix: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = fix;
  }

  /** 2 when the command was asked wrongly, 1 when it failed. */
  get exitCode(): 1 | 2 {
    return this.code === "usage" || this.code === "config" ? 2 : 1;
  }
}

/** The `code` of a system error (`EADDRINUSE`, `EACCES`…), if it is one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
