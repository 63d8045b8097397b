/**
 * What a log's entries make of a conversation, worked out from nothing but the entries: the yardstick for what the server
 * answers and clients show. Deliberately a second way of writing what the store keeps as annotations.
 */
import type { Content, Control, ConversationId, LogEvent, MessageCreated, Reaction, UsedAction } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";

export interface Replayed {
  /** As `viewer` is shown them now. */
  readonly events: readonly LogEvent[];
  readonly pins: readonly number[];
  /** `undefined` when no entry named one: then it is as at the creation. */
  readonly title: string | null | undefined;
  readonly control: Control | undefined;
}

interface Deed {
  readonly changed: number;
  readonly edited?: { readonly rev: number; readonly at: number; readonly content: Content };
  readonly deleted?: { readonly by: string; readonly at: number };
  /** By emoji, in the order of the first of those who still react. */
  readonly reactions?: ReadonlyMap<string, ReadonlySet<string>>;
  readonly used?: readonly UsedAction[];
}

/** @param hidden seqs of messages that the viewer deleted for themself */
export function replayLog(conversation: ConversationId, entries: readonly LogEntry[], viewer: string, hidden: ReadonlySet<number>): Replayed {
  const deeds = new Map<number, Deed>();
  const pins = new Set<number>();
  let title: string | null | undefined;
  let control: Control | undefined;
  for (const { seq, at, from, body } of entries) {
    if (body.type === "control.changed") {
      const { holder, epoch, agent, queue, leaseMs, leaseUntil } = body;
      const named = Object.entries({ agent, queue, leaseMs, leaseUntil }).filter(([, value]) => value !== undefined);
      control = { holder, epoch, seq, at, ...Object.fromEntries(named) };
    }
    if (body.type === "message.created" && control?.agent !== undefined && control.agent === (body.agent ?? from))
      control = { ...control, leaseUntil: at + (control.leaseMs ?? 0) };
    if (body.type === "conversation.updated" && body.title !== undefined) title = body.title;
    if (body.type === "pin.added") pins.add(body.target);
    if (body.type === "pin.removed" || body.type === "message.deleted") pins.delete(body.target);
    if (body.type === "message.deleted") deeds.set(body.target, { changed: seq, deleted: { by: from, at } });
    if (body.type === "message.edited")
      deeds.set(body.target, { ...deeds.get(body.target), changed: seq, edited: { rev: body.rev, at, content: body.content as Content } });
    if (body.type === "interaction.created") {
      const before = deeds.get(body.target);
      const used = body.once === true ? [...(before?.used ?? []), { action: body.action, seq }] : before?.used;
      deeds.set(body.target, { ...before, changed: seq, ...(used === undefined ? {} : { used }) });
    }
    if (body.type === "reaction.added" || body.type === "reaction.removed") {
      const reactions = new Map(deeds.get(body.target)?.reactions);
      const users = new Set(reactions.get(body.emoji));
      if (body.type === "reaction.added") users.add(from);
      else users.delete(from);
      if (users.size > 0) reactions.set(body.emoji, users);
      else reactions.delete(body.emoji);
      deeds.set(body.target, { ...deeds.get(body.target), changed: seq, reactions });
    }
  }
  const events = entries.map((entry) => withoutHidden(shownAs(conversation, entry, deeds.get(entry.seq), viewer), hidden));
  return { events, pins: [...pins], title, control };
}

/** Of what was deleted for oneself, place and author are left, and whether it is deleted for all. */
function withoutHidden(event: LogEvent, hidden: ReadonlySet<number>): LogEvent {
  if (event.type === "message.edited" && hidden.has(event.target)) return { ...event, content: { type: "deleted" } };
  if (event.type === "interaction.created" && hidden.has(event.target) && ["postback", "datetime", "request", "submit"].includes(event.kind)) {
    const { value: _value, data: _data, displayText: _displayText, ...rest } = event;
    return { ...rest, erased: true };
  }
  if (event.type !== "message.created" || !hidden.has(event.seq)) return event;
  const left = new Set(["type", "conversation", "seq", "at", "from", "clientId", "replyTo", "part", "agent", "deleted", "changed"]);
  const fields = Object.fromEntries(Object.entries(event).filter(([field]) => left.has(field)));
  return { ...(fields as unknown as MessageCreated), content: { type: "deleted" }, hidden: true };
}

function shownAs(conversation: ConversationId, { seq, at, from, clientId, body }: LogEntry, deed: Deed | undefined, viewer: string): LogEvent {
  const event = { ...body, conversation, seq, at, from, ...(clientId === undefined ? {} : { clientId }) } as LogEvent;
  if (event.type === "interaction.created" && event.to !== viewer && from !== viewer) {
    const { value: _value, ...rest } = event;
    return rest;
  }
  return deed === undefined || event.type !== "message.created" ? event : withDeed(event, deed, viewer);
}

function withDeed(message: MessageCreated, { changed, edited, deleted, reactions, used }: Deed, viewer: string): MessageCreated {
  if (deleted !== undefined) {
    const { data: _data, ...rest } = message;
    return { ...rest, content: { type: "deleted" }, deleted: deleted as NonNullable<MessageCreated["deleted"]>, changed };
  }
  const counted: Reaction[] = [...(reactions ?? [])].map(([emoji, users]) => ({ emoji, count: users.size, ...(users.has(viewer) ? { mine: true } : {}) }));
  const { quickReplies = [], ...asked } = message;
  const isAnswered = used?.some(({ action }) => quickReplies.some((reply) => reply.action.id === action)) === true;
  return {
    ...(isAnswered ? asked : message),
    ...(used === undefined ? {} : { used: [...used] }),
    ...(edited === undefined ? {} : { content: edited.content, edited: { rev: edited.rev, at: edited.at } }),
    ...(counted.length === 0 ? {} : { reactions: counted }),
    changed,
  };
}
