/**
 * One signed request to a URL that somebody has registered, as Standard Webhooks has it, and what came of it. Through `outgoing`,
 * where the address is checked and everything is bounded; never repeated here.
 */
import { signWebhook, WebhookError, type Clock, type ConversationId } from "@suda/protocol";
import { OutgoingError } from "../outgoing/outgoing-error.ts";
import type { OutgoingHttp, OutgoingResponse } from "../outgoing/outgoing-http.ts";
import type { Failed } from "./retries.ts";

export interface SignedRequest {
  readonly url: string;
  readonly id: string;
  /** JSON. */
  readonly body: string;
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * `taken`: 2xx. `unread`: 2xx, and more behind it than is read. `gone`: 410. `later`: it was not tried, by no fault of the other
 * side's: connections are short, or the server is closing. `failed`: everything else, to be tried again.
 */
export type RequestOutcome =
  | { readonly outcome: "taken"; readonly response: OutgoingResponse }
  | { readonly outcome: "unread" }
  | { readonly outcome: "gone" }
  | { readonly outcome: "later" }
  | ({ readonly outcome: "failed" } & Failed);

export async function postSigned(outgoing: OutgoingHttp, clock: Clock, { url, id, body, secrets, ...bounds }: SignedRequest): Promise<RequestOutcome> {
  try {
    const signature = await signWebhook({ id, at: clock.now(), body, secrets });
    const headers = { "content-type": "application/json", accept: "application/json", ...signature };
    return { outcome: "taken", response: await outgoing.post({ url, headers, body, ...bounds }) };
  } catch (error) {
    if (error instanceof WebhookError) throw new Error("A secret of ours, or an id, is none.", { cause: error });
    if (!(error instanceof OutgoingError)) throw error;
    return outcomeOf(error);
  }
}

/** The same for every attempt to deliver an entry, and for no other entry: as in webhook-id, which has no dot and no colon. */
export function webhookIdOf(conversation: ConversationId, seq: number): string {
  // Ids with a dot are ours, `d.…` and `g.…`; a host's own has none.
  return `${conversation.includes(".") ? conversation.replace(".", "_") : `h_${conversation}`}_${seq}`;
}

function outcomeOf({ code, message, status, retryAfterMs }: OutgoingError): RequestOutcome {
  if (code === "outgoing.busy" || code === "outgoing.aborted" || code === "outgoing.closed") return { outcome: "later" };
  if (code === "outgoing.too_large" && status !== undefined) return { outcome: "unread" };
  if (status === 410) return { outcome: "gone" };
  return { outcome: "failed", code, message, retryAfterMs, isOfAll: status === 429 };
}
