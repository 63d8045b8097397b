/** Why an outgoing request did not bring a good answer: the only table of these codes. */

export type OutgoingErrorCode =
  | "outgoing.refused_url"
  | "outgoing.refused_address"
  | "outgoing.refused_port"
  | "outgoing.invalid_request"
  | "outgoing.busy"
  | "outgoing.unresolved"
  | "outgoing.unreachable"
  | "outgoing.certificate"
  | "outgoing.timeout"
  | "outgoing.aborted"
  | "outgoing.too_large"
  | "outgoing.redirect"
  | "outgoing.status"
  | "outgoing.malformed"
  | "outgoing.closed";

interface OutgoingErrorRow {
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** What happened and what to do, for whoever registered the URL. */
  readonly means: string;
}

export const outgoingErrors: Readonly<Record<OutgoingErrorCode, OutgoingErrorRow>> = {
  "outgoing.refused_url": {
    retryable: false,
    means: "The URL is not one that this server calls. Use https://HOST/PATH with a public host, without user name, and with the host written plainly.",
  },
  "outgoing.refused_address": {
    retryable: false,
    means: "The host's address is not public. Use a public address, or have the operator put this one on the allow-list of outgoing addresses.",
  },
  "outgoing.refused_port": { retryable: false, means: "This port is not open to outgoing requests. Use 443 or 8443, or have the operator allow it." },
  "outgoing.invalid_request": { retryable: false, means: "A header, the body or a limit of the request is not one that can be sent." },
  "outgoing.busy": { retryable: true, means: "As many requests as are allowed are under way, to this host or in all. Try again later." },
  "outgoing.unresolved": { retryable: true, means: "The host's name has no address. Check the spelling and the DNS records." },
  "outgoing.unreachable": {
    retryable: true,
    means: "The connection was refused, reset or cut. Check that the program listens and that the network lets the request in.",
  },
  "outgoing.certificate": {
    retryable: true,
    means: "The TLS handshake failed. Check that the certificate is valid, names this host, and comes with its chain.",
  },
  "outgoing.timeout": { retryable: true, means: "No whole answer came in time. Answer first, and do slow work afterwards." },
  "outgoing.aborted": { retryable: true, means: "The caller gave the request up." },
  "outgoing.too_large": { retryable: false, means: "The answer's headers or body are over the limit. Answer with less." },
  "outgoing.redirect": { retryable: false, means: "The answer is a redirect, and none is followed. Register the final URL." },
  "outgoing.status": { retryable: true, means: "The answer's status is not 2xx. Answer 200 when the request was taken." },
  "outgoing.malformed": { retryable: true, means: "The answer is not HTTP/1.1. Check that the port is that of a web server, and whether it wants TLS." },
  "outgoing.closed": { retryable: true, means: "This server is shutting down." },
};

export interface OutgoingErrorOptions {
  /** What exactly is wrong, as one sentence in front of what to do. Never a URL, header, body or address: these may be secrets. */
  readonly detail?: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** The address that was refused; for the operator's log, not for whoever registered the URL. */
  readonly address?: string;
  readonly cause?: unknown;
}

/** A request that failed, with a stable code. The message may be shown to whoever registered the URL. */
export class OutgoingError extends Error {
  override readonly name = "OutgoingError";
  readonly code: OutgoingErrorCode;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** HTTP status of the answer, for `outgoing.status` and `outgoing.redirect`, and for `outgoing.too_large` when it was the body. */
  readonly status: number | undefined;
  /** From the answer's Retry-After, at most a day. */
  readonly retryAfterMs: number | undefined;
  readonly address: string | undefined;

  constructor(code: OutgoingErrorCode, options: OutgoingErrorOptions = {}) {
    const { retryable, means } = outgoingErrors[code];
    super(options.detail === undefined ? means : `${options.detail} ${means}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = retryable;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.address = options.address;
  }
}
