/** How a refusal leaves when there is no frame to answer: as an HTTP response, or as a refused handshake. */
import { errorFrame, type SudaError } from "@suda/protocol";
import type { WebSocketRefusal } from "../app/app.ts";

function headersOf(error: SudaError): Record<string, string> {
  return {
    ...(error.retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(error.retryAfterMs / 1_000)) }),
    ...(error.status === 401 ? { "WWW-Authenticate": "Bearer" } : {}),
  };
}

export function responseOf(error: SudaError): Response {
  return Response.json(errorFrame(error), { status: error.status, headers: headersOf(error) });
}

export function refusalOf(error: SudaError): WebSocketRefusal {
  return { kind: "refuse", status: error.status, headers: headersOf(error), body: JSON.stringify(errorFrame(error)) };
}
