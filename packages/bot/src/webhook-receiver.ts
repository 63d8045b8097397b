/**
 * The webhook transport: an event comes as a signed request, the same handlers have it, and the response says what became of it.
 * The server keeps the cursor: it repeats what was not answered with 2xx, in the order of the conversation.
 *
 * Two tries at one event do not meet: a request of a conversation waits for the one before it, which the server may have
 * given up already.
 */
import {
  createByteReviver,
  isConversationId,
  isUserId,
  LogEventSchema,
  stringifyFrame,
  verifyWebhook,
  WebhookError,
  type Clock,
  type ConversationId,
  type LogEvent,
  type UserId,
} from "@suda/protocol";
import type { DeadLetter } from "./conversation-work.ts";
import type { KnownControl, Outcome, Try } from "./event-processor.ts";
import type { Ask } from "./session.ts";
import { AnswerCollector, type WebhookAnswer } from "./webhook-answer.ts";

export interface WebhookReceiverOptions {
  /** `whsec_…`, one to four: while they are rotated there are two. */
  readonly secrets: readonly string[];
  readonly process: (one: Try) => Promise<Outcome>;
  /** The server's API; `undefined` when the bot cannot reach it, and speaks by its responses alone. */
  readonly ask: ((bot: UserId) => Ask) | undefined;
  readonly maxAttempts: number;
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly giveUp: (letter: DeadLetter) => Promise<void>;
  readonly onProblem: (problem: unknown) => void;
}

/** An event is at most a frame, and the conversation and profile beside it are less. */
const maxBodyBytes = 262_144;
/** Requests at the same time; the server sends at most 16. */
const maxRequests = 100;
/** Events whose failed tries are counted; of more, the server's own patience is the bound. */
const maxCounted = 10_000;
const maxAnswers = 1_000;
const revive = createByteReviver(LogEventSchema);
const never = (): boolean => false;

interface Delivery {
  readonly bot: UserId;
  readonly epoch: string;
  readonly control: KnownControl | undefined;
  readonly event: LogEvent;
}

export class WebhookReceiver {
  readonly #options: WebhookReceiverOptions;
  readonly #last = new Map<ConversationId, Promise<unknown>>();
  readonly #attempts = new Map<string, number>();
  /** What was answered to the last ones: the server may not have waited for it. */
  readonly #answers = new Map<string, WebhookAnswer>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: WebhookReceiverOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  receive(request: Request): Promise<Response> {
    if (this.#options.closing.aborted || this.#underWay.size >= maxRequests) return Promise.resolve(refuse(503, "Busy; send it again.", 1_000));
    const answer = this.#receive(request).catch((error: unknown) => {
      this.#options.onProblem(error);
      return refuse(500, "The bot failed.");
    });
    this.#underWay.add(answer);
    return answer.finally(() => this.#underWay.delete(answer));
  }

  /** Resolves when nothing is under way. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #receive(request: Request): Promise<Response> {
    const { secrets, clock } = this.#options;
    if (request.method !== "POST") return refuse(405, "Webhooks are POSTed.");
    const body = await readBody(request);
    if (body === undefined) return refuse(413, `The body is over ${maxBodyBytes} bytes.`);
    let id: string;
    try {
      ({ id } = await verifyWebhook({ headers: request.headers, body, secrets, clock }));
    } catch (error) {
      if (!(error instanceof WebhookError) || error.code === "webhook.secret_malformed") throw error;
      return refuse(401, error.message);
    }
    const delivery = readDelivery(body);
    // Signed, and not understood: a newer server's, perhaps. Taken, so that it holds up nothing; said, so that it is seen.
    if (delivery === undefined) {
      this.#options.onProblem(new TypeError(`The webhook ${id} is no delivery that this version of @suda/bot understands.`));
      return answerOf({});
    }
    return this.#inTurn(delivery.event.conversation, () => this.#handle(id, delivery));
  }

  /** After the request of the same conversation that came before. */
  async #inTurn(conversation: ConversationId, work: () => Promise<Response>): Promise<Response> {
    const turn = (this.#last.get(conversation) ?? Promise.resolve()).then(work, work);
    this.#last.set(conversation, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(conversation) === turn) this.#last.delete(conversation);
    }
  }

  async #handle(id: string, { bot, epoch, control, event }: Delivery): Promise<Response> {
    const { process, ask, closing, maxAttempts, giveUp } = this.#options;
    const earlier = this.#answers.get(id);
    if (earlier !== undefined) return answerOf(earlier);
    const collector = ask === undefined ? new AnswerCollector() : undefined;
    const attempt = (this.#attempts.get(id) ?? 0) + 1;
    const outcome = await process({
      event,
      bot,
      epoch,
      control,
      attempt,
      ask: collector?.ask ?? (ask as (bot: UserId) => Ask)(bot),
      closing,
      isCutOff: never,
      isAlone: true,
      ...(collector === undefined ? {} : { answer: () => collector.answer }),
    });
    switch (outcome.is) {
      case "done": {
        this.#attempts.delete(id);
        const answer = (outcome.answer as WebhookAnswer | undefined) ?? {};
        remember(this.#answers, id, answer, maxAnswers);
        return answerOf(answer);
      }
      case "later":
        return refuse(503, "Not now; send it again.", outcome.delayMs);
      case "failed": {
        const isGivenUp = outcome.isForGood || attempt >= maxAttempts;
        if (!isGivenUp) {
          remember(this.#attempts, id, attempt, maxCounted);
          return refuse(500, "The handler failed.");
        }
        this.#attempts.delete(id);
        await giveUp({ event, error: outcome.error, attempts: attempt });
        return answerOf({});
      }
    }
  }
}

/** The oldest goes when there are more than fit. */
function remember<Value>(kept: Map<string, Value>, id: string, value: Value, max: number): void {
  kept.delete(id);
  kept.set(id, value);
  const [oldest] = kept.keys();
  if (kept.size > max && oldest !== undefined) kept.delete(oldest);
}

async function readBody(request: Request): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += (chunk as Uint8Array).byteLength;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}

/** `{ type, bot, conversation, event }`, as the server signs it. */
function readDelivery(body: Uint8Array): Delivery | undefined {
  let parsed: {
    readonly bot?: unknown;
    readonly conversation?: { readonly id?: unknown; readonly epoch?: unknown; readonly control?: KnownControl };
    readonly event?: Partial<LogEvent>;
  };
  try {
    parsed = JSON.parse(new TextDecoder().decode(body)) as typeof parsed;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { bot, conversation, event } = parsed ?? {};
  if (typeof bot !== "string" || !isUserId(bot) || typeof event !== "object" || event === null) return undefined;
  const { type, seq, conversation: id } = event;
  if (typeof type !== "string" || typeof seq !== "number" || typeof id !== "string" || !isConversationId(id)) return undefined;
  const epoch = typeof conversation?.epoch === "string" ? conversation.epoch : "";
  return { bot, epoch, control: conversation?.control, event: (revive === undefined ? event : revive(event)) as LogEvent };
}

function answerOf(answer: WebhookAnswer): Response {
  return new Response(stringifyFrame(answer), { status: 200, headers: { "content-type": "application/json" } });
}

function refuse(status: number, message: string, retryAfterMs?: number): Response {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
  };
  return new Response(`${message}\n`, { status, headers });
}
