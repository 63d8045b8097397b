/**
 * What a send would say to messages, and what other platforms would not show: `suda lint` over HTTP. Nothing is stored and
 * nothing is sent. Rules T1–T7 and T12.
 */
import {
  checkMessage,
  createByteReviver,
  createValidator,
  lintMessages,
  MessageBodySchema,
  SudaError,
  type LintTarget,
  type MessageBody,
} from "@suda/protocol";

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
export function validateMessages(given: readonly unknown[], targets: readonly LintTarget[]): readonly ValidationFinding[] {
  const errors: ValidationFinding[] = [];
  const messages = given.flatMap((one, index) => {
    const judged = judge(one, `/${index}`);
    if ("level" in judged) errors.push(judged);
    return "level" in judged ? [] : [judged];
  });
  // Warnings beside a message that is refused anyway would have the wrong indexes.
  if (errors.length > 0) return errors;
  return [...new Set(targets)].flatMap((target) => lintMessages(messages, target).map((found): ValidationFinding => ({ level: "warning", ...found })));
}

function judge(value: unknown, at: string): MessageBody | ValidationFinding {
  try {
    const message = validator.check(revive === undefined ? value : revive(value));
    const fault = checkMessage(message);
    return fault === undefined ? message : { level: "error", path: at + fault.path, message: at + fault.message };
  } catch (error) {
    if (!(error instanceof SudaError)) throw error;
    return { level: "error", path: at + (error.path ?? ""), message: at + error.message };
  }
}
