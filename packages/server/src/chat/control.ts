/**
 * Who answers in a conversation with a bot: handing it to a human, taking it, giving it back (rules T25…T34). Each is an
 * entry of the log, so that every device sees who is in charge, and each is judged by the store in the moment of storing,
 * as is what the bot says meanwhile.
 */
import { SudaError, templateLimits, type CommandOf, type ReplyOf, type Role } from "@suda/protocol";
import type { ControlChangedBody } from "../store/control.ts";
import type { ConversationRecord, Draft, LogEntry } from "../store/store.ts";
import { accessConversation, type Access } from "./access.ts";
import { append, appendAll, memberChangeAttempts, membersChangeTooFast } from "./append.ts";
import { systemUser, type Actor, type ChatContext } from "./context.ts";
import { announceMembership } from "./fan-out.ts";
import { gone, refusedError } from "./refused.ts";

type Asked<T extends "control.handoff" | "control.take" | "control.return"> = Omit<CommandOf<T>, "type" | "ref">;
type Controlled = ReplyOf<"control.handoff">;
/** What a draft of a change of control must hold, beside its body. */
type Conditions = Omit<Draft, "body" | "from">;

const anyRole: readonly Role[] = ["owner", "admin", "member"];
const managers: readonly Role[] = ["owner", "admin"];

/** What a bot's own words are bound by: of the backend that speaks as the bot too. Of a human nothing but an epoch that they name. */
export function controlConditions({ isBot }: Pick<Actor, "isBot">, epoch: number | undefined): Pick<Draft, "asBot" | "ifControlEpoch"> {
  return { ...(isBot ? { asBot: true } : {}), ...(epoch === undefined ? {} : { ifControlEpoch: epoch }) };
}

/** Of a tap on a `handoff` action, and of `control.handoff`: a human is asked for, unless one is in charge already. */
export function handoffBody(queue: string | undefined): ControlChangedBody {
  return { type: "control.changed", holder: "none", epoch: 0, ...(queue === undefined ? {} : { queue }), reason: "handoff" };
}

/** @throws SudaError conversation.not_found, control.no_bot, control.held, control.lost, member.forbidden, user.blocked */
export async function handOff(context: ChatContext, actor: Actor, { conversation: id, queue }: Asked<"control.handoff">): Promise<Controlled> {
  const access = await accessControlled(context, actor, id);
  return change(context, access, { from: actor.user, ...handoffConditions(actor, access), body: handoffBody(queue) });
}

/** @throws SudaError conversation.not_found, control.no_bot, control.held, control.lost, member.forbidden, auth.forbidden */
export async function returnControl(context: ChatContext, actor: Actor, { conversation: id }: Asked<"control.return">): Promise<Controlled> {
  const access = await accessControlled(context, actor, id);
  const conditions = returnConditions(actor, access);
  return change(context, access, { from: actor.user, ...conditions, body: { type: "control.changed", holder: "bot", epoch: 0, reason: "returned" } });
}

/**
 * The agent of a group becomes its member with the same append, if they are none.
 * @throws SudaError conversation.not_found, conversation.full, control.no_bot, control.held, member.forbidden, auth.forbidden, frame.invalid
 */
export async function takeControl(
  context: ChatContext,
  actor: Actor,
  { conversation: id, leaseMs = templateLimits.leaseDefaultMs }: Asked<"control.take">,
): Promise<Controlled> {
  const { store, clock, limits } = context;
  const agent = actor.user;
  const body: ControlChangedBody = { type: "control.changed", holder: "human", epoch: 0, agent, leaseMs, reason: "taken" };
  for (let attempt = 0; attempt < memberChangeAttempts; attempt++) {
    const access = await accessControlled(context, actor, id);
    const draft: Draft = { from: agent, ...takeConditions(actor, access), controlOf: agent, body };
    const { conversation, member } = access;
    if (member !== undefined || conversation.kind === "direct") {
      if (actor.isBackend) await store.users.ensure([agent], clock.now());
      return change(context, access, draft);
    }
    if (conversation.memberCount >= limits.maxMembers) throw new SudaError("conversation.full", `A group has at most ${limits.maxMembers} members.`);
    await store.users.ensure([agent], clock.now());
    const joining: Draft = { from: agent, body: { type: "member.added", users: [agent] } };
    const [, outcome] = await appendAll(context, id, [joining, draft], { ifMembersSeq: conversation.membersSeq });
    if (outcome?.outcome === "moved") continue;
    if (outcome?.outcome === "refused") throw refusedError(outcome, gone);
    if (outcome?.outcome !== "stored") throw new Error(`Taking control came back as ${outcome?.outcome}.`);
    await announceMembership(context, id, [agent]);
    return replyOf(outcome.entry);
  }
  throw membersChangeTooFast();
}

/** A group, or a direct conversation with a bot. */
async function accessControlled(context: ChatContext, actor: Actor, id: Asked<"control.return">["conversation"]): Promise<Access> {
  const access = await accessConversation(context, actor, id);
  const { between } = access.conversation;
  if (between !== undefined && !(await context.store.users.getMany(between)).some(({ bot }) => bot === true)) throw new SudaError("control.no_bot");
  return access;
}

/** The bot and its user ask for a human, and cannot send one away; the agent passes on what they hold; who manages does as they like. */
function handoffConditions(actor: Actor, { conversation, member }: Access): Conditions {
  if (actor.isBackend) {
    if (isUnnamed(actor) || isManager(member?.role)) return {};
    return { controlOf: actor.isBot || conversation.between?.includes(actor.user) === true ? null : actor.user };
  }
  if (conversation.kind === "direct") return { roles: anyRole, asMember: true, controlOf: null };
  if (isManager(member?.role)) return { roles: managers, ...(actor.isBot ? { controlOf: null } : {}) };
  if (actor.isBot) return { roles: anyRole, controlOf: null };
  return ofAgent(actor, conversation);
}

function returnConditions(actor: Actor, { conversation, member }: Access): Conditions {
  if (actor.isBot) throw new SudaError("auth.forbidden", "A bot does not put itself in charge; the agent, the backend, an owner or an admin does.");
  if (actor.isBackend) return isUnnamed(actor) || isManager(member?.role) ? {} : { controlOf: actor.user };
  if (conversation.kind === "direct") throw new SudaError("auth.forbidden", "In a direct conversation only the host's backend gives the bot its place back.");
  return isManager(member?.role) ? { roles: managers } : ofAgent(actor, conversation);
}

function takeConditions(actor: Actor, { conversation, member }: Access): Conditions {
  const { between } = conversation;
  if (actor.isBackend) {
    if (isUnnamed(actor) || actor.isBot || between?.includes(actor.user) === true)
      throw new SudaError("frame.invalid", "The header Suda-User names the human who takes over: no bot, and not the user whom the bot speaks with.", {
        path: "Suda-User",
      });
    return {};
  }
  if (between !== undefined)
    throw new SudaError("auth.forbidden", "In a direct conversation only the host's backend puts a human in charge; it names the agent.");
  if (actor.isBot || !isManager(member?.role))
    throw new SudaError("member.forbidden", "This needs the role owner or admin in this conversation, and no bot takes over.");
  return { roles: managers };
}

/** A member without a role of their own, whom the backend made the agent. */
function ofAgent({ user }: Actor, { control }: ConversationRecord): Conditions {
  if (control?.holder !== "human" || control.agent !== user)
    throw new SudaError("member.forbidden", "This needs the role owner or admin in this conversation, or being the agent who is in charge.");
  return { roles: anyRole, asAgent: user };
}

function isManager(role: Role | undefined): boolean {
  return role === "owner" || role === "admin";
}

/** The backend as itself. */
function isUnnamed({ user }: Actor): boolean {
  return user === systemUser;
}

async function change(context: ChatContext, { conversation: { id } }: Access, draft: Draft): Promise<Controlled> {
  const outcome = await append(context, id, draft);
  switch (outcome.outcome) {
    case "stored":
      return replyOf(outcome.entry);
    case "unchanged": {
      const control = (await context.store.conversations.get(id))?.control;
      return { seq: outcome.seq, at: outcome.at, ...(control === undefined ? {} : { control }) };
    }
    case "refused":
      throw refusedError(outcome, () => new SudaError("member.forbidden"));
    case "duplicate":
    case "conflict":
    case "rejected":
    case "moved":
    case "withheld":
      throw new Error(`A change of control came back as ${outcome.outcome}.`);
  }
}

function replyOf({ seq, at, body }: LogEntry): Controlled {
  if (body.type !== "control.changed") throw new Error(`A change of control was stored as ${body.type}.`);
  const { type: _type, reason: _reason, ...control } = body;
  return { seq, at, control: { ...control, seq, at } };
}
