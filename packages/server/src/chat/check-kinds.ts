/**
 * ⑤ Custom contents of a send against the schemas of their kinds (T40). Apart from the other checks, because it asks the
 * store, and because a schema may change: what was stored under the old one is still found by its retry (D3).
 */
import { SudaError, type MessageFault } from "@suda/protocol";
import { findSent, type MessageSend, type SentMessages } from "./append-messages.ts";
import type { Actor, ChatContext } from "./context.ts";

/**
 * `undefined` when all may be sent. When one may not, but these very messages were sent earlier, what became of them.
 * @throws SudaError frame.invalid with the path
 */
export async function checkKinds(context: ChatContext, actor: Actor, send: MessageSend): Promise<SentMessages | undefined> {
  for (const [index, { content }] of send.messages.entries()) {
    if (content.type !== "custom") continue;
    const fault = await context.customKinds.check(content);
    if (fault === undefined) continue;
    const sent = await findSent(context, actor, send);
    if (sent === undefined) throw errorOf(fault, send.pathOf(index));
    return sent;
  }
  return undefined;
}

function errorOf({ path, message }: MessageFault, at: string): SudaError {
  return new SudaError("frame.invalid", at + message, { path: at + path });
}
