/**
 * Changes of messages, computed for all drivers alike: may this one be stored (judged in the moment of storing),
 * what does the message look like afterwards, and what does a deletion erase. Pure but for the view.
 *
 * Rules: S24 S25 S26 S27 S38 of docs/contracts/store.md; held by `storeSuite` of @suda/testing.
 */
import {
  eraseWords,
  findAction,
  limits,
  saysSomething,
  templateLimits,
  type Action,
  type DeletedContent,
  type FormSubmit,
  type InteractionKind,
  type UserId,
} from "@suda/protocol";
import type { InteractionBody } from "./interaction-body.ts";
import type { Annotation, ChangeRefusal, ConversationRecord, Draft, LogBody, LogEntry, MemberRecord, MessageChangeBody, MessageCreatedBody } from "./store.ts";

/** What judging a change must know, entries under way included. */
export interface ChangeView {
  readonly conversation: ConversationRecord;
  member(user: UserId): MemberRecord | undefined;
  entry(seq: number): LogEntry | undefined;
  annotation(target: number): Annotation | undefined;
  hasReacted(target: number, emoji: string, user: UserId): boolean;
}

/** `at` and `seq` are of what made it so already. */
export type Judgement =
  | { readonly judgement: "take"; readonly body: LogBody }
  | { readonly judgement: "unchanged"; readonly seq: number; readonly at: number }
  | { readonly judgement: "reject"; readonly reason: ChangeRefusal };

/** What is left of a content (S26). */
export const erasedContent: DeletedContent = { type: "deleted" };

export function isMessageChange(body: LogBody): body is MessageChangeBody {
  return "target" in body;
}

/**
 * Whether the draft may be stored, and with which body: an edit is given its `rev` here, a tap what its action says.
 * @param at of the entry that it would be
 */
export function judgeChange(view: ChangeView, { from, body, unlessAuthor, ifRev }: Draft, at: number): Judgement {
  if (body.type === "message.created") {
    const isReplyTo = body.replyTo === undefined || view.entry(body.replyTo)?.body.type === "message.created";
    return isReplyTo ? { judgement: "take", body } : { judgement: "reject", reason: "no_message" };
  }
  if (!isMessageChange(body)) return { judgement: "take", body };
  const { target } = body;
  const message = view.entry(target);
  if (message?.body.type !== "message.created") return { judgement: "reject", reason: "no_message" };
  const annotation = view.annotation(target);
  if (unlessAuthor !== undefined && from !== message.from && !holdsOneOf(view.member(from), unlessAuthor)) return { judgement: "reject", reason: "not_author" };
  if (annotation?.deleted !== undefined) {
    const { deleted } = annotation;
    return body.type === "message.deleted" ? { judgement: "unchanged", seq: deleted.seq, at: deleted.at } : { judgement: "reject", reason: "deleted" };
  }
  const { head } = view.conversation;
  const unchanged: Judgement = { judgement: "unchanged", seq: head.seq, at: head.at };
  const full: Judgement = { judgement: "reject", reason: "full" };
  const take: Judgement = { judgement: "take", body };
  switch (body.type) {
    case "message.edited": {
      const rev = annotation?.edited?.rev ?? 0;
      if (body.content.type !== message.body.content.type) return { judgement: "reject", reason: "other_kind" };
      if (ifRev !== undefined && ifRev !== rev) return { judgement: "reject", reason: "other_rev" };
      return rev >= limits.editsMax ? full : { judgement: "take", body: { ...body, rev: rev + 1 } };
    }
    case "message.deleted":
      return take;
    case "reaction.added": {
      if (view.hasReacted(target, body.emoji, from)) return unchanged;
      const reactions = annotation?.reactions ?? [];
      return reactions.length >= limits.reactionsMax && !reactions.some(({ emoji }) => emoji === body.emoji) ? full : take;
    }
    case "reaction.removed":
      return view.hasReacted(target, body.emoji, from) ? take : unchanged;
    case "pin.added": {
      const { pins = [] } = view.conversation;
      if (pins.includes(target)) return unchanged;
      return pins.length >= limits.pinsMax ? full : take;
    }
    case "pin.removed":
      return view.conversation.pins?.includes(target) === true ? take : unchanged;
    case "interaction.created":
      return judgeTap({ from: message.from, body: message.body, annotation }, { body, ifRev, at });
  }
}

interface Tapped {
  readonly from: UserId;
  readonly body: MessageCreatedBody;
  readonly annotation: Annotation | undefined;
}

/** The message as it is now decides what was tapped, and whether it can be. */
function judgeTap(
  { from: to, body: { content: sent, quickReplies = [] }, annotation }: Tapped,
  { body, ifRev, at }: { readonly body: InteractionBody; readonly ifRev: number | undefined; readonly at: number },
): Judgement {
  const { used = [], taps = [], edited } = annotation ?? {};
  const { type, target, action: id, value } = body;
  const replies = quickReplies.map(({ action }) => action.id);
  const isReply = replies.includes(id);
  // Quick replies are one question: the first answer stands for all of them.
  const first = used.find(({ action }) => action === id || (isReply && replies.includes(action)));
  if (first !== undefined) return { judgement: "unchanged", seq: first.seq, at: first.at };
  const action = findAction({ content: edited?.content ?? sent, quickReplies }, id);
  if (action === undefined) return { judgement: "reject", reason: "no_action" };
  if (action.type === "submit" && action.expiresAt !== undefined && at >= action.expiresAt) return { judgement: "reject", reason: "expired" };
  if (ifRev !== undefined && ifRev !== (edited?.rev ?? 0)) return { judgement: "reject", reason: "other_rev" };
  const isOnce = isReply || action.once === true;
  if ((isOnce && used.length >= templateLimits.usedMax) || (saysSomething(action.type) && taps.length >= templateLimits.tapsMax))
    return { judgement: "reject", reason: "full" };
  const said = value === undefined ? {} : { value };
  return { judgement: "take", body: { type, target, action: id, ...said, to, kind: action.type, ...wordsOf(action), ...(isOnce ? { once: true } : {}) } };
}

/** What the tap of an action says beside its value. */
function wordsOf(action: Action | FormSubmit): Pick<InteractionBody, "data" | "route" | "displayText"> {
  if (action.type === "datetime") return action.data === undefined ? {} : { data: action.data };
  if (action.type !== "postback") return {};
  const { data, route, displayText } = action;
  return { ...(data === undefined ? {} : { data }), ...(route === undefined ? {} : { route }), ...(displayText === undefined ? {} : { displayText }) };
}

/** Whether a deletion of its message erases something of it: an edit, or a tap that may say something. */
export function isErasable(body: LogBody): body is Extract<MessageChangeBody, { readonly content: unknown }> | InteractionBody {
  return body.type === "message.edited" || (body.type === "interaction.created" && saysSomething(kindOf(body)));
}

/** Seqs of the entries that a deletion of the message erases beside it. */
export function erasedWith(annotation: Annotation | undefined): readonly number[] {
  return [...(annotation?.edited?.seqs ?? []), ...(annotation?.taps ?? [])];
}

/** Of a stored one, which has a kind. */
function kindOf({ kind }: InteractionBody): InteractionKind {
  if (kind === undefined) throw new Error("A stored tap has no kind.");
  return kind;
}

/** What the message's annotation is after the entry; a pin changes the conversation and not the message. */
export function annotate(before: Annotation | undefined, { seq, at, from }: LogEntry, body: MessageChangeBody): Annotation | undefined {
  switch (body.type) {
    case "message.edited": {
      const { rev, content } = body;
      return { ...before, changed: seq, edited: { rev, at, content, seqs: [...(before?.edited?.seqs ?? []), seq] } };
    }
    case "message.deleted":
      return { changed: seq, deleted: { seq, at, by: from } };
    case "reaction.added":
    case "reaction.removed": {
      const { reactions = [], ...rest } = before ?? {};
      const counted = countReaction(reactions, body.emoji, body.type === "reaction.added" ? 1 : -1);
      return { ...rest, changed: seq, ...(counted.length === 0 ? {} : { reactions: counted }) };
    }
    case "interaction.created": {
      const { used = [], taps = [], ...rest } = before ?? {};
      const usedNow = body.once === true ? [...used, { action: body.action, seq, at }] : used;
      const tapsNow = saysSomething(kindOf(body)) ? [...taps, seq] : taps;
      return { ...rest, changed: seq, ...(usedNow.length === 0 ? {} : { used: usedNow }), ...(tapsNow.length === 0 ? {} : { taps: tapsNow }) };
    }
    case "pin.added":
    case "pin.removed":
      return before;
  }
}

/** The conversation's pins after the change; the same when it does not concern them. `undefined` for none. */
export function pinsAfter(before: readonly number[] | undefined, { type, target }: MessageChangeBody): readonly number[] | undefined {
  if (type === "pin.added") return [...(before ?? []), target];
  if ((type !== "pin.removed" && type !== "message.deleted") || before?.includes(target) !== true) return before;
  const pins = before.filter((pin) => pin !== target);
  return pins.length === 0 ? undefined : pins;
}

/** The body without what people said. Place, `target` and `rev`, or the action, stay; so does the digest of what it was. */
export function eraseBody(body: LogBody): LogBody {
  if (body.type === "message.created") {
    const { type, replyTo, part, agent } = body;
    return {
      type,
      content: erasedContent,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(part === undefined ? {} : { part }),
      ...(agent === undefined ? {} : { agent }),
    };
  }
  if (body.type === "interaction.created") return isErasable(body) ? eraseWords(body) : body;
  return body.type === "message.edited" ? { ...body, content: erasedContent } : body;
}

export function isErased(body: LogBody): boolean {
  if (body.type === "interaction.created") return body.erased === true;
  return (body.type === "message.created" || body.type === "message.edited") && body.content.type === "deleted";
}

function holdsOneOf(member: MemberRecord | undefined, roles: readonly string[]): boolean {
  return member !== undefined && roles.includes(member.role);
}

function countReaction(reactions: NonNullable<Annotation["reactions"]>, emoji: string, step: 1 | -1): NonNullable<Annotation["reactions"]> {
  const isKnown = reactions.some((reaction) => reaction.emoji === emoji);
  if (!isKnown) return [...reactions, { emoji, count: 1 }];
  return reactions.map((reaction) => (reaction.emoji === emoji ? { emoji, count: reaction.count + step } : reaction)).filter(({ count }) => count > 0);
}
