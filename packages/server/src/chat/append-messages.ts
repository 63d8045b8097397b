/**
 * ⑤→⑥ Messages of one send become drafts and are appended, together or not at all: one of a user's, or up to five of a
 * bot's. The one place that knows how a message is written down and what the store's answer means to its sender.
 */
import { partClientId, SudaError, type ClientId, type ConversationId, type MessageBody, type Role, type UserId } from "@suda/protocol";
import type { AppendOptions, AppendOutcome, Draft, MessageCreatedBody } from "../store/store.ts";
import { appendAll } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";
import { controlConditions } from "./control.ts";
import { gone, refusedError } from "./refused.ts";

/** One send: what its drafts are made of. */
export interface MessageSend {
  readonly conversation: ConversationId;
  readonly clientId: ClientId;
  /** At least one. */
  readonly messages: readonly MessageBody[];
  /** Where message `index` stands in what was asked, for errors: `""` or `/messages/0`. */
  readonly pathOf: (index: number) => string;
  /** The epoch of control at which alone it is to be stored. */
  readonly control: number | undefined;
  /** The human whose words they are, of a bot's. */
  readonly agent: UserId | undefined;
  /** Of one of several that a client sent without waiting for answers. */
  readonly order?: SendOrder | undefined;
}

/** What is sent behind a message that was refused may have to be refused too (D17). */
export interface SendOrder {
  /** Called in the turn in which the store is; what it throws is the answer. */
  readonly beforeAppend: () => void;
  /** Called before what is behind it gets its turn. */
  readonly refused: (error: unknown) => void;
}

export interface SentMessages {
  readonly seqs: readonly number[];
  readonly at: number;
  readonly duplicate?: true;
}

const anyRole: readonly Role[] = ["owner", "admin", "member"];

/**
 * Resolves when all are durable. The place in the log is taken in the turn of the call.
 * @throws SudaError send.conflict, send.slow, conversation.read_only, user.blocked, control.lost, conversation.not_found, frame.invalid, store.…
 */
export async function appendMessages(context: ChatContext, actor: Actor, send: MessageSend): Promise<SentMessages> {
  const startedAt = context.clock.monotonicMs();
  const outcomes = context.sendHook === undefined ? await appendNow(context, actor, send) : await askAndAppend(context, actor, send, context.sendHook);
  const sent = sentOf(outcomes);
  if (sent === undefined) throw refusalOf(outcomes, send);
  if (sent.duplicate === true) context.metrics.duplicate();
  else for (const _seq of sent.seqs) context.metrics.sent(context.clock.monotonicMs() - startedAt);
  return sent;
}

function appendNow(context: ChatContext, actor: Actor, send: MessageSend): Promise<readonly AppendOutcome[]> {
  send.order?.beforeAppend();
  return appendAll(context, send.conversation, draftsOf(actor, send));
}

/**
 * Looks the keys up first, so that a retry of what was stored is not asked about again (W12); then asks; then takes its place
 * behind what the same sender sent to the same conversation before (D4).
 */
async function askAndAppend(
  context: ChatContext,
  actor: Actor,
  send: MessageSend,
  { hook, lines }: NonNullable<ChatContext["sendHook"]>,
): Promise<readonly AppendOutcome[]> {
  const { user, isBot, isBackend } = actor;
  const { conversation, clientId, messages } = send;
  const line = lines.enter(`${conversation}\n${user}`);
  try {
    const drafts = draftsOf(actor, send);
    const known = await appendAll(context, conversation, drafts, { onlyKnown: true });
    if (sentOf(known) !== undefined) return known;
    const asked = messages.map(plainMessage);
    const judged = await hook.judge({ what: "send", conversation, from: user, isBot, isBackend, clientId, messages: asked });
    await line.ready;
    const changed = judged === asked ? drafts : draftsOf(actor, { ...send, messages: judged }).map((draft, at) => withAsked(draft, drafts[at]));
    send.order?.beforeAppend();
    // Called before the line is left: calls take their places in their order.
    const appended = appendAll(context, conversation, changed);
    line.leave();
    return await appended;
  } catch (error) {
    send.order?.refused(error);
    throw error;
  } finally {
    line.leave();
  }
}

/** The message alone: what was received has the command's fields beside it. */
function plainMessage(message: MessageBody): MessageBody {
  const { type: _type, content: _content, ...rest } = bodyOf(message, { part: undefined, agent: undefined });
  return { content: message.content, ...rest };
}

function withAsked(draft: Draft, asked: Draft | undefined): Draft {
  return asked === undefined ? draft : { ...draft, asked: asked.body };
}

/**
 * What became of these very messages under this clientId earlier; `undefined` when nothing did. For a retry that is refused by
 * what has changed since, so that it is told of its message all the same (D3).
 */
export async function findSent(context: ChatContext, actor: Actor, send: MessageSend): Promise<SentMessages | undefined> {
  const options: AppendOptions = { onlyKnown: true };
  const sent = sentOf(await appendAll(context, send.conversation, draftsOf(actor, send), options));
  if (sent !== undefined) context.metrics.duplicate();
  return sent;
}

function draftsOf(actor: Actor, { clientId, messages, control, agent }: MessageSend): Draft[] {
  const total = messages.length;
  // Who speaks as the bot must be in charge: the bot itself, or the agent.
  const speaker = agent === undefined ? controlConditions(actor, control) : { ...controlConditions({ isBot: false }, control), asAgent: agent };
  return messages.map((message, at) => {
    const body = bodyOf(message, { part: total > 1 ? { index: at + 1, total } : undefined, agent });
    return { ...draftOf(actor, partClientId(clientId, at + 1), body), ...speaker };
  });
}

function draftOf({ user, isBackend, isBot }: Actor, clientId: ClientId, body: MessageCreatedBody): Draft {
  return {
    from: user,
    clientId,
    roles: anyRole,
    // A bot's mark says what it has worked off, and what it says meanwhile does not move it (D16).
    ...(isBot ? { keepsReadMark: true } : {}),
    // The host's backend is not bound by what the members have agreed on (A7).
    ...(isBackend ? {} : { asMember: true }),
    body,
  };
}

/** What the server adds to a message. */
interface Beside {
  readonly part: MessageCreatedBody["part"] | undefined;
  readonly agent: UserId | undefined;
}

function bodyOf({ content, altText, quickReplies, sender, silent, data, replyTo }: MessageBody, { part, agent }: Beside): MessageCreatedBody {
  return {
    type: "message.created",
    content,
    ...(altText === undefined ? {} : { altText }),
    ...(quickReplies === undefined ? {} : { quickReplies }),
    ...(sender === undefined ? {} : { sender }),
    ...(silent === undefined ? {} : { silent }),
    ...(data === undefined ? {} : { data }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(part === undefined ? {} : { part }),
    ...(agent === undefined ? {} : { agent }),
  };
}

/** `undefined` unless all are there. */
function sentOf(outcomes: readonly AppendOutcome[]): SentMessages | undefined {
  const seqs: number[] = [];
  let at = 0;
  let isDuplicate = false;
  for (const outcome of outcomes) {
    if (outcome.outcome !== "stored" && outcome.outcome !== "duplicate") return undefined;
    isDuplicate ||= outcome.outcome === "duplicate";
    const place = outcome.outcome === "stored" ? outcome.entry : outcome;
    seqs.push(place.seq);
    at = place.at;
  }
  // `part` has the number of messages, so keys of one send are all of this one or all of another: never some of each.
  return isDuplicate ? { seqs, at, duplicate: true } : { seqs, at };
}

function refusalOf(outcomes: readonly AppendOutcome[], { clientId, pathOf }: MessageSend): Error {
  for (const [index, outcome] of outcomes.entries()) {
    switch (outcome.outcome) {
      case "stored":
      case "duplicate":
      case "withheld":
        continue;
      case "conflict":
        return new SudaError("send.conflict", `The clientId ${JSON.stringify(clientId)} was used for another message (seq ${outcome.seq}); use a new one.`);
      case "refused":
        return refusedError(outcome, gone);
      case "rejected": {
        const path = `${pathOf(index)}/replyTo`;
        return new SudaError("frame.invalid", `${path} is not the seq of a message of this conversation.`, { path });
      }
      case "unchanged":
      case "moved":
        return new Error(`An append of messages without conditions came back as ${outcome.outcome}.`);
    }
  }
  return new Error("An append of messages was withheld for nothing.");
}
