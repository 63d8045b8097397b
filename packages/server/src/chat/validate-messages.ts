/**
 * What a send would say to messages, and what other platforms would not show: `suda lint` over HTTP. Nothing is stored and
 * nothing is sent. Rules T1–T7 and T12.
 */
import { createByteReviver, createValidator, lintMessages, MessageBodySchema, SudaError, type LintTarget, type MessageBody } from "@suda/protocol";
import type { Actor, ChatContext } from "./context.ts";
import { checkSendable } from "./send-message.ts";

export interface ValidationFinding {
  readonly level: "error" | "warning";
  readonly target?: LintTarget;
  /** Begins with the message's index. */
  readonly path: string;
  readonly message: string;
}

const validator = createValidator<MessageBody>(MessageBodySchema);
const revive = createByteReviver(MessageBodySchema);

/** Errors, one per message; without any, the warnings for each target. */
export async function validateMessages(
  context: ChatContext,
  actor: Actor,
  { messages: given, targets }: { readonly messages: readonly unknown[]; readonly targets: readonly LintTarget[] },
): Promise<readonly ValidationFinding[]> {
  const errors: ValidationFinding[] = [];
  const messages: MessageBody[] = [];
  for (const [index, one] of given.entries()) {
    const judged = await judge(context, actor, one, `/${index}`);
    if ("level" in judged) errors.push(judged);
    else messages.push(judged);
  }
  // Warnings beside a message that is refused anyway would have the wrong indexes.
  if (errors.length > 0) return errors;
  return [...new Set(targets)].flatMap((target) => lintMessages(messages, target).map((found): ValidationFinding => ({ level: "warning", ...found })));
}

async function judge(context: ChatContext, actor: Actor, value: unknown, at: string): Promise<MessageBody | ValidationFinding> {
  try {
    const message = validator.check(revive === undefined ? value : revive(value));
    checkSendable(actor, message, "");
    const fault = message.content.type === "custom" ? await context.customKinds.check(message.content) : undefined;
    return fault === undefined ? message : { level: "error", path: at + fault.path, message: at + fault.message };
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    return { level: "error", path: at + (error.path ?? ""), message: at + error.message };
  }
}
