/** What undici, TLS and the operating system throw, as one of our codes. Their texts are not passed on: they may hold addresses. */
import { errors } from "undici";
import { OutgoingError, type OutgoingErrorCode } from "./outgoing-error.ts";

const codes: Readonly<Record<string, OutgoingErrorCode>> = {
  UND_ERR_HEADERS_OVERFLOW: "outgoing.too_large",
  UND_ERR_INVALID_ARG: "outgoing.invalid_request",
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "outgoing.invalid_request",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "outgoing.malformed",
  UND_ERR_DESTROYED: "outgoing.closed",
  UND_ERR_CLOSED: "outgoing.closed",
};

/** An `OutgoingError` stays as it is; what is nobody's known failure is thrown on. */
export function outgoingErrorOf(error: unknown): OutgoingError {
  if (error instanceof OutgoingError) return error;
  // Not every one of these has a code.
  if (error instanceof errors.HTTPParserError) return new OutgoingError("outgoing.malformed", { cause: error });
  const code = codeOf(error);
  if (code === undefined) throw error;
  return new OutgoingError(codeFor(code), { cause: error });
}

function codeFor(code: string): OutgoingErrorCode {
  const known = codes[code];
  if (known !== undefined) return known;
  // OpenSSL's handshake and its verdicts on certificates.
  if (/^(?:ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/.test(code))
    return "outgoing.certificate";
  return "outgoing.unreachable";
}

/** Errors of several addresses come as one AggregateError, with the first one's code. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return error.code;
}
