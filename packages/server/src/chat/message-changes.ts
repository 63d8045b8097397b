/**
 * What is done to a message after it was sent: edits, deletion for all, reactions, pins (rule D8). Each is an
 * entry of the log with its `target`; whether the message takes it is judged by the store in the moment of
 * storing, so that two at once cannot do what one after the other could not.
 */
import { SudaError, type CommandOf, type ConversationId, type ErrorCode, type ReplyOf, type Role } from "@suda/protocol";
import type { AppendOutcome, ChangeRefusal, Draft, MessageChangeBody } from "../store/store.ts";
import { accessConversation, accessMembership } from "./access.ts";
import { append } from "./append.ts";
import { controlConditions } from "./control.ts";
import type { Actor, ChatContext } from "./context.ts";
import { gone, refusedError } from "./refused.ts";
import { checkEditedContent } from "./send-message.ts";

type Written = ReplyOf<"message.delete">;
type Target = Omit<CommandOf<"message.delete">, "type" | "ref">;

const anyRole: readonly Role[] = ["owner", "admin", "member"];
const managers: readonly Role[] = ["owner", "admin"];

/**
 * Only the author, also when the host's backend asks. The content's type stays: a text is edited to a text.
 * @throws SudaError conversation.not_found, member.not_found, user.blocked, control.lost, frame.invalid, message.…, send.conflict
 */
export async function editMessage(
  context: ChatContext,
  actor: Actor,
  command: Omit<CommandOf<"message.edit">, "type" | "ref">,
): Promise<ReplyOf<"message.edit">> {
  const { conversation, target, content, rev, clientId, control } = command;
  await accessMembership(context, actor, conversation);
  await checkEditedContent(context, command);
  const fault = content.type === "custom" ? await context.customKinds.check(content) : undefined;
  const draft: Draft = {
    from: actor.user,
    roles: anyRole,
    ...asMember(actor),
    ...controlConditions(actor, control),
    unlessAuthor: [],
    ...(clientId === undefined ? {} : { clientId }),
    ...(rev === undefined ? {} : { ifRev: rev }),
    body: { type: "message.edited", target, rev: 0, content },
  };
  // The kind's schema may have changed since the first try: its retry is told of it all the same (D3).
  const outcome = fault === undefined ? await askAndAppend(context, actor, command, draft) : await append(context, conversation, draft, { onlyKnown: true });
  switch (outcome.outcome) {
    case "stored":
      return { seq: outcome.entry.seq, at: outcome.entry.at, rev: revOf(outcome.entry) };
    case "duplicate": {
      const [first] = await context.store.log.readAfter(conversation, outcome.seq - 1, 1);
      return { seq: outcome.seq, at: outcome.at, rev: first === undefined ? 0 : revOf(first), duplicate: true };
    }
    case "conflict":
      throw new SudaError("send.conflict", `The clientId ${JSON.stringify(clientId)} was used for something else (seq ${outcome.seq}); use a new one.`);
    case "rejected":
      throw refusalOf(outcome.reason);
    case "refused":
      throw refusedError(outcome, gone);
    case "withheld":
      if (fault !== undefined) throw new SudaError("frame.invalid", fault.message, { path: fault.path });
      throw new Error("An edit was withheld for nothing.");
    case "unchanged":
    case "moved":
      throw new Error(`An edit came back as ${outcome.outcome}.`);
  }
}

/** As a send: the key first, then the hook, then its place behind what the same sender wrote to the same conversation before (W12). */
async function askAndAppend(
  context: ChatContext,
  { user, isBot, isBackend }: Actor,
  { conversation, target, content, clientId }: Omit<CommandOf<"message.edit">, "type" | "ref">,
  draft: Draft,
): Promise<AppendOutcome> {
  const { sendHook } = context;
  if (sendHook === undefined) return append(context, conversation, draft);
  const line = sendHook.lines.enter(`${conversation}\n${user}`);
  try {
    const known = clientId === undefined ? undefined : await append(context, conversation, draft, { onlyKnown: true });
    if (known?.outcome === "duplicate") return known;
    const messages = [{ content }];
    const key = clientId === undefined ? {} : { clientId };
    const judged = await sendHook.hook.judge({ what: "edit", conversation, from: user, isBot, isBackend, messages, target, ...key });
    await line.ready;
    const changed = judged === messages ? undefined : judged[0];
    const body = { type: "message.edited", target, rev: 0, content: changed?.content ?? content } as const;
    const appended = append(context, conversation, changed === undefined ? draft : { ...draft, body, asked: draft.body });
    line.leave();
    return await appended;
  } finally {
    line.leave();
  }
}

/** @throws SudaError conversation.not_found, message.not_found, message.forbidden */
export async function deleteMessage(context: ChatContext, actor: Actor, { conversation: id, target }: Target): Promise<Written> {
  const { conversation } = await accessConversation(context, actor, id);
  const draft = { from: actor.user, body: { type: "message.deleted", target } } as const;
  if (actor.isBackend) return change(context, id, draft);
  return change(context, id, { ...draft, roles: anyRole, unlessAuthor: conversation.kind === "group" ? managers : [] });
}

/** @throws SudaError conversation.not_found, member.not_found, user.blocked, message.not_found, message.deleted, message.full */
export async function react(
  context: ChatContext,
  actor: Actor,
  { conversation, target, emoji }: Target & { readonly emoji: string },
  type: "reaction.added" | "reaction.removed",
): Promise<Written> {
  await accessMembership(context, actor, conversation);
  return change(context, conversation, { from: actor.user, roles: anyRole, ...asMember(actor), body: { type, target, emoji } });
}

/** @throws SudaError conversation.not_found, member.forbidden, user.blocked, message.not_found, message.deleted, pin.full */
export async function pin(context: ChatContext, actor: Actor, { conversation: id, target }: Target, type: "pin.added" | "pin.removed"): Promise<Written> {
  const { conversation, member } = await accessConversation(context, actor, id);
  const draft = { from: actor.user, body: { type, target } } as const;
  if (actor.isBackend) return change(context, id, draft);
  const roles = conversation.kind === "group" ? managers : anyRole;
  const forbidden = (): SudaError => new SudaError("member.forbidden", "This needs the role owner or admin in this conversation.");
  if (member === undefined || !roles.includes(member.role)) throw forbidden();
  return change(context, id, { ...draft, roles, ...asMember(actor) }, forbidden);
}

/** @param refused makes what is thrown when `from` lost its role between the gate and the commit */
async function change(
  context: ChatContext,
  id: ConversationId,
  draft: Draft & { readonly body: MessageChangeBody },
  refused: () => SudaError = gone,
): Promise<Written> {
  const outcome = await append(context, id, draft);
  switch (outcome.outcome) {
    case "stored":
      return { seq: outcome.entry.seq, at: outcome.entry.at };
    case "unchanged":
      return { seq: outcome.seq, at: outcome.at };
    case "rejected":
      throw refusalOf(outcome.reason, draft.body.type === "pin.added" ? "pin.full" : "message.full");
    case "refused":
      throw refusedError(outcome, refused);
    case "duplicate":
    case "conflict":
    case "moved":
    case "withheld":
      throw new Error(`A change of a message came back as ${outcome.outcome}.`);
  }
}

/** Bound by a block in a direct conversation; deleting never is, and the host's backend is not (A7). */
function asMember({ isBackend }: Actor): { asMember?: true } {
  return isBackend ? {} : { asMember: true };
}

function refusalOf(reason: ChangeRefusal, full: ErrorCode = "message.full"): SudaError {
  switch (reason) {
    case "no_message":
      return new SudaError("message.not_found");
    case "not_author":
      return new SudaError("message.forbidden");
    case "deleted":
      return new SudaError("message.deleted");
    case "other_rev":
      return new SudaError("message.conflict");
    case "other_kind":
      return new SudaError("frame.invalid", "/content/type is another one than the message has; an edit keeps it.", { path: "/content/type" });
    case "full":
      return new SudaError(full);
    case "no_action":
    case "expired":
      throw new Error(`A change that is no tap was rejected as ${reason}.`);
  }
}

function revOf({ body }: { readonly body: { readonly type: string; readonly rev?: number } }): number {
  return body.rev ?? 0;
}
