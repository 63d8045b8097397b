/**
 * Why the server closes a WebSocket. A client needs only the range:
 * 1001, 1011, 1012, 1013 and 4000–4499 mean "connect again and resume"; 1002, 1003, 1007, 1008, 1009 and
 * 4500–4999 mean "don't: the same thing would happen again". The ranges follow Centrifuge's.
 *
 * The only table: docs/PROTOCOL.md repeats it and a test compares both.
 */
export const closeCodes = {
  normal: { code: 1000, resumable: false, means: "Closed by the client, or after it asked to." },
  invalid_utf8: { code: 1007, resumable: false, means: "A text frame was not UTF-8." },
  too_large: { code: 1009, resumable: false, means: "A frame was over 64 KiB." },
  internal: { code: 1011, resumable: true, means: "The server failed while serving this connection." },
  restart: { code: 1012, resumable: true, means: "The server restarts." },
  slow: { code: 4000, resumable: true, means: "The client did not read fast enough; what it missed is in the log." },
  auth_expired: { code: 4001, resumable: true, means: "The token's time is over; connect with a new one." },
  unresponsive: { code: 4002, resumable: true, means: "No answer to the heartbeat." },
  hello_timeout: { code: 4003, resumable: true, means: "No `hello` within 10 s." },
  malformed: { code: 4500, resumable: false, means: "What was sent is not a frame of this protocol." },
  auth_invalid: { code: 4501, resumable: false, means: "The token is not one of this server's." },
  flooding: { code: 4502, resumable: false, means: "Went on sending far beyond the rate limit." },
} as const satisfies Record<string, { code: number; resumable: boolean; means: string }>;

export type CloseReason = keyof typeof closeCodes;

/** Whether a client that was closed with `code` should connect again and resume. Unknown codes below 4500 are resumable. */
export function isResumableCloseCode(code: number): boolean {
  for (const row of Object.values(closeCodes)) if (row.code === code) return row.resumable;
  // 1006 (no close frame arrived), 1001…1014 by proxies: the network, not us.
  return code < 4500 && code !== 1002 && code !== 1003 && code !== 1008;
}
