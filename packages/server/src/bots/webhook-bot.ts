/**
 * One bot with a webhook: each event of its conversations as one signed request, in order per conversation, at least once with the same
 * id, until it is taken or given up. The log is the queue and the bot's read mark the cursor (D16).
 *
 * It has its own bounds, so that a slow or dead bot is its own harm alone: requests at once ({@link Pace}), time and size of an
 * answer. Rules W1… of docs/PROTOCOL.md.
 */
import { stringifyFrame, SudaError, webhookLimits, type Conversation, type ConversationId, type MessageBody, type Timer, type UserId } from "@suda/protocol";
import type { Actor, ChatContext } from "../chat/context.ts";
import { answerTap } from "../chat/interactions.ts";
import { viewConversation, viewEvents, viewUser } from "../chat/view.ts";
import type { DeadLetters } from "../followers/dead-letters.ts";
import type { Step } from "../followers/log-follower.ts";
import { Pace } from "../followers/pace.ts";
import { Retries, type Failed } from "../followers/retries.ts";
import { postSigned, webhookIdOf, type RequestOutcome } from "../followers/signed-request.ts";
import type { OutgoingHttp } from "../outgoing/outgoing-http.ts";
import type { LogEntry } from "../store/store.ts";
import { BotLogs } from "./bot-logs.ts";
import { readAnswer, sayAnswer, unreadAnswer, type AnswerFault } from "./webhook-answer.ts";
import { addToTally, changeRegistration, eventsOf, secretsAt, troublePrefixOf, type Registration } from "./webhook-registration.ts";

/** What becomes of one attempt; `bad-answer` is counted beside `delivered`, `dead` beside `failed`. */
export type DeliveryOutcome = "delivered" | "failed" | "gone" | "dead" | "bad-answer";

export interface WebhookEnvironment {
  readonly context: ChatContext;
  readonly outgoing: OutgoingHttp;
  readonly deadLetters: DeadLetters;
  readonly count: (outcome: DeliveryOutcome) => void;
  /** Something for the operator's log. Without secrets, URLs and what people wrote. */
  readonly note: (facts: { readonly bot: UserId; readonly conversation: ConversationId; readonly seq: number; readonly code: string }, text: string) => void;
  readonly onFailure: (error: unknown) => void;
  /** Its URL answered 410; the registration says so already. */
  readonly onGone: (bot: UserId) => void;
}

/** Requests of one bot at once, when it answers well. */
const maxAtOnce = 16;
const busyWaitMs = 250;
/** After a failure of ours: of the store, as a rule. */
const retryMs = 5_000;

interface Answer {
  readonly seq: number;
  readonly messages: readonly MessageBody[];
  readonly control: number;
}

export class WebhookBot implements AsyncDisposable {
  readonly #environment: WebhookEnvironment;
  readonly #bot: UserId;
  readonly #actor: Actor;
  #registration: Registration;
  #events: ReadonlySet<string>;
  readonly #retries: Retries;
  #pace: Pace;
  readonly #logs: BotLogs;
  readonly #abort = new AbortController();
  /** Taken, and not said yet: of conversations in slow mode. */
  readonly #answers = new Map<ConversationId, Answer>();
  #timer: Timer | undefined;
  #isGone = false;

  private constructor(environment: WebhookEnvironment, bot: UserId, registration: Registration, retries: Retries) {
    const { context, onFailure } = environment;
    this.#environment = environment;
    this.#bot = bot;
    this.#actor = { user: bot, isBackend: false, isBot: true };
    this.#registration = registration;
    this.#events = new Set<string>(eventsOf(registration));
    this.#retries = retries;
    this.#pace = newPace(context);
    this.#logs = new BotLogs(context, bot, {
      perform: (id, entry) => this.#perform(id, entry),
      atOnce: () => (this.#isGone ? 0 : this.#pace.atOnce),
      onFailure,
      retryMs,
    });
  }

  /** Goes on where it, or another process, had stopped. */
  static async open(environment: WebhookEnvironment, bot: UserId, registration: Registration): Promise<WebhookBot> {
    const { store, clock, random } = environment.context;
    const retries = await Retries.open({ documents: store.documents, prefix: troublePrefixOf(bot), clock, random });
    const opened = new WebhookBot(environment, bot, registration, retries);
    for (const [id, { nextTryAt }] of retries.troubles) opened.#logs.follower.hold(id, Math.max(0, nextTryAt - clock.now()));
    await opened.#logs.open();
    return opened;
  }

  /** Conversations with something to be delivered, as far as is known. */
  get pending(): number {
    return this.#logs.follower.pending;
  }

  /** Since when the longest failing conversation fails; `undefined` when none does. */
  get failingSince(): number | undefined {
    let since: number | undefined;
    for (const { firstFailureAt } of this.#retries.troubles.values()) since = Math.min(since ?? firstFailureAt, firstFailureAt);
    return since;
  }

  /** What is under way goes on with what it began with; a new URL is tried at once. */
  update(registration: Registration): void {
    const isElsewhere = registration.url !== this.#registration.url || this.#isGone;
    this.#isGone = false;
    this.#registration = registration;
    this.#events = new Set<string>(eventsOf(registration));
    if (!isElsewhere) return;
    this.#pace = newPace(this.#environment.context);
    this.#logs.follower.releaseAll();
  }

  /** Compares with the logs, for what the layer may have lost. */
  lookAtAll(): Promise<void> {
    return this.#logs.lookAtAll();
  }

  /** Begins nothing more, and lets what is under way end. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#logs[Symbol.asyncDispose]();
  }

  /** Gives up what is under way: it is delivered again, with the same id. */
  cut(): void {
    this.#abort.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await this.stop();
  }

  async #perform(id: ConversationId, entry: LogEntry): Promise<Step> {
    if (entry.from === this.#bot || !this.#events.has(entry.body.type)) return "passed";
    const waiting = this.#answers.get(id);
    if (waiting?.seq === entry.seq) return this.#say(id, waiting);
    const { context, outgoing, count } = this.#environment;
    const delivery = await deliveryOf(context, this.#bot, id, entry);
    // Removed meanwhile: the follower sees it at its next look.
    if (delivery === undefined) return "passed";
    const { body } = delivery;
    const outcome = await postDelivery({ context, outgoing, registration: this.#registration, id, seq: entry.seq, body, signal: this.#abort.signal });
    switch (outcome.outcome) {
      case "later":
        return { waitMs: busyWaitMs };
      case "gone":
        return this.#gone(id, entry);
      case "failed":
        return this.#failed(id, entry, outcome);
      case "taken":
      case "unread":
        count("delivered");
        if (this.#pace.succeeded()) this.#logs.follower.releaseAll();
        await this.#retries.succeeded(id);
        return this.#taken(id, entry, { outcome, control: delivery.control });
    }
  }

  async #taken(
    id: ConversationId,
    { seq, body }: LogEntry,
    { outcome, control }: { readonly outcome: Extract<RequestOutcome, { outcome: "taken" | "unread" }>; readonly control: number },
  ): Promise<Step> {
    const answer = outcome.outcome === "unread" ? { fault: unreadAnswer } : readAnswer(outcome.response);
    if ("fault" in answer) await this.#badAnswer(id, seq, answer.fault);
    else if (answer.toast !== undefined) {
      const fault = body.type === "interaction.created" ? await this.#toast(id, seq, answer.toast) : toastWithoutTap;
      if (fault !== undefined) await this.#badAnswer(id, seq, fault);
    }
    if ("fault" in answer || answer.messages === undefined) return "done";
    return this.#say(id, { seq, messages: answer.messages, control });
  }

  /** Once: it is of the moment, and not repeated for an answer that waits for its turn. */
  async #toast(conversation: ConversationId, target: number, toast: string): Promise<AnswerFault | undefined> {
    try {
      await answerTap(this.#environment.context, this.#actor, { conversation, target, toast });
      return undefined;
    } catch (error) {
      if (!(error instanceof SudaError)) throw error;
      return { code: error.code, message: error.message };
    }
  }

  async #say(id: ConversationId, answer: Answer): Promise<Step> {
    const said = await sayAnswer(this.#environment.context, this.#actor, { conversation: id, ...answer });
    if ("waitMs" in said) {
      this.#answers.set(id, answer);
      return said;
    }
    this.#answers.delete(id);
    if (said.fault !== undefined) await this.#badAnswer(id, answer.seq, said.fault);
    return "done";
  }

  async #failed(id: ConversationId, entry: LogEntry, failed: Failed): Promise<Step> {
    const { context, deadLetters, count, note } = this.#environment;
    count("failed");
    this.#pause(this.#pace.failed(id, failed.isOfAll === true ? failed.retryAfterMs : 0));
    const next = await this.#retries.failed(id, entry, failed);
    if ("waitMs" in next) return next;
    count("dead");
    note({ bot: this.#bot, conversation: id, seq: entry.seq, code: failed.code }, "a delivery to a webhook was given up and is a dead letter");
    const dropped = await deadLetters.add(this.#bot, next.givenUp, context.clock.now());
    if (dropped > 0) await addToTally(context.store.documents, this.#bot, { dropped });
    return "done";
  }

  async #gone(id: ConversationId, { seq }: LogEntry): Promise<Step> {
    const { context, count, note, onGone } = this.#environment;
    count("gone");
    this.#isGone = true;
    const now = context.clock.now();
    // Not one that was registered meanwhile.
    await changeRegistration(context.store.documents, this.#bot, (before) =>
      before === undefined || before.url !== this.#registration.url ? undefined : { ...before, disabledAt: before.disabledAt ?? now },
    );
    note({ bot: this.#bot, conversation: id, seq, code: "outgoing.status" }, "a webhook answered 410 and is disabled until it is registered again");
    onGone(this.#bot);
    return { waitMs: retryMs };
  }

  async #badAnswer(conversation: ConversationId, seq: number, { code, message }: AnswerFault): Promise<void> {
    const { context, count, note } = this.#environment;
    count("bad-answer");
    note({ bot: this.#bot, conversation, seq, code }, "the answer of a webhook could not be used");
    await addToTally(context.store.documents, this.#bot, { badAnswer: { at: context.clock.now(), code, message, conversation, seq } });
  }

  #pause(ms: number): void {
    if (ms === 0) return;
    this.#timer?.cancel();
    this.#timer = this.#environment.context.clock.schedule(ms, () => this.#logs.follower.proceed());
  }
}

function newPace({ clock, random }: ChatContext): Pace {
  return new Pace({ clock, random, maxAtOnce });
}

const toastWithoutTap: AnswerFault = { code: "frame.invalid", message: "/toast answers a tap, and this event is none." };

/** The body of a delivery, and the epoch of control in it; `undefined` when the bot is no member (any more). */
export async function deliveryOf(
  context: ChatContext,
  bot: UserId,
  id: ConversationId,
  entry: LogEntry,
): Promise<{ readonly body: string; readonly control: number } | undefined> {
  const { conversations, users } = context.store;
  const { conversation: record, member } = (await conversations.getWithMember(id, bot)) ?? {};
  if (member === undefined || record === undefined) return undefined;
  const [event] = await viewEvents(context, member, id, [entry]);
  if (event === undefined) return undefined;
  // The newest message is none of this event's business, and could be as large as it.
  const { last: _last, ...conversation }: Conversation = await viewConversation(context, record, member);
  const [author] = await users.getMany([entry.from]);
  // What the backend does without naming a user is nobody's who has a profile.
  const user = author === undefined ? { id: entry.from } : viewUser(author);
  return { body: stringifyFrame({ type: event.type, bot, conversation, user, event }), control: record.control?.epoch ?? 0 };
}

export function postDelivery({
  context: { clock },
  outgoing,
  registration,
  id,
  seq,
  body,
  signal,
}: {
  readonly context: ChatContext;
  readonly outgoing: OutgoingHttp;
  readonly registration: Registration;
  readonly id: ConversationId;
  readonly seq: number;
  readonly body: string;
  readonly signal?: AbortSignal;
}): Promise<RequestOutcome> {
  return postSigned(outgoing, clock, {
    url: registration.url,
    id: webhookIdOf(id, seq),
    body,
    secrets: secretsAt(registration, clock.now()).map(({ secret }) => secret),
    timeoutMs: webhookLimits.webhookTimeoutMs,
    maxResponseBytes: webhookLimits.webhookAnswerMaxBytes,
    ...(signal === undefined ? {} : { signal }),
  });
}
