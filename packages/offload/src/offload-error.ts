/** Why offloaded work did not bring a result: the only table of these codes. */

export type OffloadErrorCode =
  | "offload.busy"
  | "offload.timeout"
  | "offload.aborted"
  | "offload.module"
  | "offload.failed"
  | "offload.crashed"
  | "offload.unsendable"
  | "offload.too_large"
  | "offload.closed";

interface OffloadErrorRow {
  /** Whether the same work may succeed later without being changed. */
  readonly retryable: boolean;
  readonly means: string;
}

export const offloadErrors: Readonly<Record<OffloadErrorCode, OffloadErrorRow>> = {
  "offload.busy": { retryable: true, means: "As much work waits as may. Try again later, or give the pool more threads or a longer queue." },
  "offload.timeout": { retryable: true, means: "The work was not done in time and its thread was ended. Give it more time, or less to do." },
  "offload.aborted": { retryable: true, means: "The caller gave the work up." },
  "offload.module": { retryable: false, means: "The module cannot be loaded or exports no such function. Export one as `run`, or name it." },
  "offload.failed": { retryable: false, means: "The function threw; `cause` is what it threw." },
  "offload.crashed": { retryable: true, means: "The thread ended under the work: it called process.exit, ran out of memory, or threw where nobody caught it." },
  "offload.unsendable": { retryable: false, means: "Input or result cannot go from thread to thread. Send plain data and bytes." },
  "offload.too_large": { retryable: false, means: "Input or result is over the pool's limit. Send less, or a file's name." },
  "offload.closed": { retryable: true, means: "The pool is closed." },
};

export interface OffloadErrorOptions {
  /** One sentence in front of what the code means. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export class OffloadError extends Error {
  override readonly name = "OffloadError";
  readonly code: OffloadErrorCode;
  readonly retryable: boolean;

  constructor(code: OffloadErrorCode, { detail, cause }: OffloadErrorOptions = {}) {
    const { retryable, means } = offloadErrors[code];
    super(detail === undefined ? means : `${detail} ${means}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}

/** What a function threw in its thread, as far as it could be carried over: its name, message and stack. */
export class ThrownInWorker extends Error {
  override readonly name: string;

  constructor({ name, message, stack }: { readonly name: string; readonly message: string; readonly stack: string }) {
    super(message);
    this.name = name;
    this.stack = stack;
  }
}
