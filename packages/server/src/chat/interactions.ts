/**
 * Taps on what a message offers (rules T15–T19): an entry of the log with its `target`, judged by the store in the moment
 * of storing against the message as it is then. And the toast with which the message's author answers one.
 *
 * What is given with a tap is held against the action here. `ifRev` makes sure that this is the action that is stored.
 */
import {
  checkTapValue,
  findAction,
  SudaError,
  type Action,
  type CommandOf,
  type FormSubmit,
  type MessageFault,
  type ReplyOf,
  type UserId,
} from "@suda/protocol";
import type { AppendOutcome, ChangeRefusal, LogEntry } from "../store/store.ts";
import { accessConversation, accessMembership } from "./access.ts";
import { appendAll } from "./append.ts";
import type { Actor, ChatContext } from "./context.ts";
import { tellToast } from "./fan-out.ts";
import { blocked, blocking, gone, refusedError } from "./refused.ts";
import { tapDrafts, type TapCommand } from "./tap-drafts.ts";

/** How often a tap is tried again when its message is edited at the same moment. */
const attempts = 5;

/**
 * A tap by a member in somebody else's message. A retry learns what became of the first try, whatever has become of the
 * message since.
 * @throws SudaError conversation.not_found, member.not_found, user.blocked, message.not_found, message.deleted,
 * message.full, interaction.…, frame.invalid, send.conflict; of a `message` action also as a send. One on a `handoff` action
 * of a bot's asks for a human with it (T34).
 */
export async function tap(context: ChatContext, actor: Actor, command: TapCommand): Promise<ReplyOf<"interaction.tap">> {
  const { conversation } = command;
  await accessMembership(context, actor, conversation);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const entry = await entryAt(context, command);
    const looked = lookAt(entry, actor, command);
    const tapped = "action" in looked ? { ...looked, isOfBot: entry !== undefined && (await isBot(context, entry.from)) } : undefined;
    const outcomes = await appendAll(context, conversation, tapDrafts(actor, command, tapped));
    const reply = replyOf(outcomes, command, looked);
    if (reply !== "edited meanwhile") return reply;
  }
  throw new SudaError("server.busy", "The message is edited too often at this moment; try again.", { retryAfterMs: 200 });
}

/** @throws SudaError conversation.not_found, user.blocked, interaction.not_found, interaction.forbidden */
export async function answerTap(
  context: ChatContext,
  actor: Actor,
  { conversation, target, toast }: Omit<CommandOf<"interaction.answer">, "type" | "ref">,
): Promise<ReplyOf<"interaction.answer">> {
  const access = await accessConversation(context, actor, conversation);
  const entry = await entryAt(context, { conversation, target });
  if (entry?.body.type !== "interaction.created") throw new SudaError("interaction.not_found", "No tap of this conversation has that seq.");
  if (entry.body.to !== actor.user) throw new SudaError("interaction.forbidden", "Only the author of the tapped message answers the tap.");
  const other = await context.store.conversations.member(conversation, entry.from);
  // In a direct conversation alone a block means something; the host's backend is not bound by it (A7).
  if (access.conversation.kind === "direct" && !actor.isBackend) {
    if (access.member?.isBlocking === true) throw blocking();
    if (other?.isBlocking === true) throw blocked();
  }
  if (other !== undefined) await tellToast(context, entry.from, { type: "interaction.answered", conversation, target, from: actor.user, toast });
  return {};
}

async function isBot({ store }: ChatContext, user: UserId): Promise<boolean> {
  return (await store.users.getMany([user]))[0]?.bot === true;
}

/** What is there to tap, as it is now; or why it cannot be tapped, unless it was before. */
type Looked = { readonly action: Action | FormSubmit; readonly rev: number } | { readonly refusal: SudaError };

function lookAt(entry: LogEntry | undefined, { user }: Actor, { action: id, value }: TapCommand): Looked {
  // What the store says of these is exact; this is what it looks like from here.
  if (entry?.body.type !== "message.created") return { refusal: new SudaError("message.not_found") };
  if (entry.from === user) throw new SudaError("interaction.forbidden", "Nobody taps in a message of their own.");
  const { body, annotation } = entry;
  const message = { ...body, content: annotation?.edited?.content ?? body.content };
  const action = findAction(message, id);
  if (action === undefined) return { refusal: notThere() };
  const faults = checkTapValue(action, value, message.content);
  return faults.length > 0 ? { refusal: invalid(faults) } : { action, rev: annotation?.edited?.rev ?? 0 };
}

function replyOf(outcomes: readonly AppendOutcome[], { clientId }: TapCommand, looked: Looked): ReplyOf<"interaction.tap"> | "edited meanwhile" {
  // The tap's own, unless what was to follow it was refused and held it up.
  const outcome = outcomes.find((one) => one.outcome !== "withheld");
  if (outcome === undefined) throw new Error("The store answered an append with no outcome.");
  switch (outcome.outcome) {
    case "stored":
      return { seq: outcome.entry.seq, at: outcome.entry.at };
    case "duplicate":
      return { seq: outcome.seq, at: outcome.at, duplicate: true };
    case "unchanged":
      return { seq: outcome.seq, at: outcome.at, used: true };
    case "conflict":
      throw new SudaError("send.conflict", `The clientId ${JSON.stringify(clientId)} was used for something else (seq ${outcome.seq}); use a new one.`);
    case "refused":
      throw refusedError(outcome, gone);
    case "rejected":
      if (outcome.reason !== "other_rev") throw refusalOf(outcome.reason);
      if ("refusal" in looked) throw looked.refusal;
      return "edited meanwhile";
    case "moved":
      throw new Error(`A tap came back as ${outcome.outcome}.`);
  }
}

function refusalOf(reason: Exclude<ChangeRefusal, "other_rev">): SudaError {
  switch (reason) {
    case "no_message":
      return new SudaError("message.not_found");
    case "deleted":
      return new SudaError("message.deleted");
    case "no_action":
      return notThere();
    case "expired":
      return new SudaError("interaction.expired");
    case "full":
      return new SudaError("message.full", "The message has as many taps as one can have; ask for a new one.");
    case "not_author":
    case "other_kind":
      throw new Error(`A tap was rejected as ${reason}.`);
  }
}

function notThere(): SudaError {
  return new SudaError("interaction.not_found", "The message has no action of that id (any more).", { path: "/action" });
}

function invalid(faults: readonly MessageFault[]): SudaError {
  return new SudaError("frame.invalid", faults.map(({ message }) => message).join(" "), { path: faults[0]?.path ?? "/value" });
}

async function entryAt({ store }: ChatContext, { conversation, target }: Pick<TapCommand, "conversation" | "target">): Promise<LogEntry | undefined> {
  const [entry] = target < 1 ? [] : await store.log.readAfter(conversation, target - 1, 1);
  // Below the floor, or at a hole, the first one is another.
  return entry?.seq === target ? entry : undefined;
}
