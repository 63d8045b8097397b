/**
 * Asks the host product before a message is stored: a function of its own, or a signed webhook. It has a second; then, and when
 * it fails or answers nonsense, the message is refused with `hook.failed`, or goes through if the host has chosen so.
 *
 * Nothing is tried again here: the sender does, and a retry of what was stored is not asked about (append-messages.ts).
 */
import { randomUUID } from "node:crypto";
import {
  checkMessage,
  createByteReviver,
  createValidator,
  Closed,
  MessageBodySchema,
  parseJson,
  stringifyFrame,
  SudaError,
  type Clock,
  type MessageBody,
} from "@suda/protocol";
import Type from "typebox";
import type { AskedSend, SendHook } from "../chat/send-hook.ts";
import { postSigned } from "../followers/signed-request.ts";
import type { OutgoingHttp } from "../outgoing/outgoing-http.ts";

/** `undefined` is `allow`. `messages` are as many as were asked; of an edit only the content counts. `reason` is shown to the sender. */
export type SendDecision =
  | undefined
  | { readonly decision: "allow" }
  | { readonly decision: "change"; readonly messages: readonly MessageBody[] }
  | { readonly decision: "refuse"; readonly reason: string };

/** A function of the host's. It must not block; work that does belongs into `@suda/offload`. */
export type BeforeSend = (asked: AskedSend, signal: AbortSignal) => SendDecision | Promise<SendDecision>;

/** A URL that answers with a {@link SendDecision} as JSON; an empty 2xx is `allow`. */
export interface HookUrl {
  readonly url: string;
  /** `whsec_…`; several while one is replaced. */
  readonly secrets: readonly string[];
}

export interface BeforeSendOptions {
  readonly hook: BeforeSend | HookUrl;
  /** 1–60,000; default 1,000. */
  readonly timeoutMs?: number;
  /** What becomes of a message when the hook does not answer well. Default `refuse`: a check that can be skipped is none. */
  readonly onFailure?: "refuse" | "allow";
}

export interface BeforeSendEnvironment {
  readonly clock: Clock;
  readonly outgoing: OutgoingHttp;
  readonly onFailure: (error: unknown) => void;
  readonly count: (outcome: "allow" | "change" | "refuse" | "failed") => void;
}

/** Questions under way; beyond that senders are told `server.busy`. */
const maxAsked = 1_000;
const maxAnswerBytes = 1_048_576;
const reasonMaxLength = 200;

const DecisionSchema = Type.Union([
  Closed({ decision: Type.Literal("allow") }),
  Closed({ decision: Type.Literal("change"), messages: Type.Array(MessageBodySchema, { minItems: 1, maxItems: 5 }) }),
  Closed({ decision: Type.Literal("refuse"), reason: Type.String({ minLength: 1, maxLength: reasonMaxLength }) }),
]);
const validator = createValidator<Exclude<SendDecision, undefined>>(DecisionSchema);
const revive = createByteReviver(DecisionSchema);

export class BeforeSendHook implements SendHook {
  readonly #options: BeforeSendOptions;
  readonly #environment: BeforeSendEnvironment;
  #asked = 0;

  constructor(options: BeforeSendOptions, environment: BeforeSendEnvironment) {
    this.#options = options;
    this.#environment = environment;
  }

  async judge(asked: AskedSend): Promise<readonly MessageBody[]> {
    const { count, onFailure } = this.#environment;
    if (this.#asked >= maxAsked) throw new SudaError("server.busy", "Too many messages wait for the product's check; try again.", { retryAfterMs: 500 });
    this.#asked++;
    let decision: SendDecision;
    try {
      decision = checked(await this.#ask(asked), asked);
    } catch (error) {
      count("failed");
      onFailure(new Error("The hook before a send failed.", { cause: error }));
      if (this.#options.onFailure === "allow") return asked.messages;
      throw new SudaError("hook.failed", undefined, { retryAfterMs: 1_000 });
    } finally {
      this.#asked--;
    }
    count(decision?.decision ?? "allow");
    if (decision?.decision === "refuse") throw new SudaError("send.refused", decision.reason);
    return decision?.decision === "change" ? decision.messages : asked.messages;
  }

  async #ask(asked: AskedSend): Promise<unknown> {
    const { hook, timeoutMs = 1_000 } = this.#options;
    const { clock, outgoing } = this.#environment;
    if (typeof hook === "object") {
      const body = stringifyFrame({ type: "before-send", ...asked });
      const id = `before-send_${randomUUID()}`;
      const outcome = await postSigned(outgoing, clock, { ...hook, id, body, timeoutMs, maxResponseBytes: maxAnswerBytes });
      if (outcome.outcome !== "taken") throw new Error(outcome.outcome === "failed" ? outcome.message : `The webhook's answer is "${outcome.outcome}".`);
      if (outcome.response.body.byteLength === 0) return undefined;
      const value = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(outcome.response.body), { maxBytes: maxAnswerBytes });
      return revive === undefined ? value : revive(value);
    }
    const controller = new AbortController();
    const { promise: late, reject } = lateness();
    const timer = clock.schedule(timeoutMs, () => {
      controller.abort();
      reject(new Error(`The hook took longer than ${timeoutMs} ms.`));
    });
    try {
      return await Promise.race([Promise.resolve().then(() => hook(asked, controller.signal)), late]);
    } finally {
      timer.cancel();
    }
  }
}

function lateness(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_resolve, rejectIt) => (reject = rejectIt));
  return { promise, reject };
}

/** @throws when it is none that can be followed */
function checked(value: unknown, { messages: asked }: AskedSend): SendDecision {
  if (value === undefined) return undefined;
  const decision = validator.check(value);
  if (decision.decision !== "change") return decision;
  if (decision.messages.length !== asked.length) throw new RangeError(`The hook made ${decision.messages.length} messages of ${asked.length}.`);
  for (const message of decision.messages) {
    const fault = checkMessage(message);
    if (fault !== undefined) throw new RangeError(`The hook made a message that cannot be sent: ${fault.message}`);
  }
  return decision;
}
