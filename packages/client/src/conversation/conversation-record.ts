/** The record of a conversation, kept current by the events of its log: what the server would answer now, as far as events tell. */
import type { Conversation, LogEvent, UserId } from "@suda/protocol";

/** The record after an event; the same object when the record knew it already. */
export function recordAfter(record: Conversation, event: LogEvent, me: UserId | undefined): Conversation {
  // A record that the server gave later than this event counts it already.
  if (event.seq <= record.head) return record;
  return { ...record, head: event.seq, lastAt: event.at, last: event, ...changesOf(record, event, me) };
}

/** Read up to `seq`; a mark that moves takes the mark as unread away. @param unread as counted over what is held, `undefined` when that does not reach back far enough */
export function recordRead(record: Conversation, seq: number, unread: number | undefined): Conversation {
  const read = Math.max(record.read ?? 0, Math.min(seq, record.head));
  const counted = read >= record.head ? 0 : (unread ?? record.unread ?? 0);
  if (read === record.read && counted === record.unread) return record;
  return { ...(read > (record.read ?? 0) ? recordUnmarked(record) : record), read, unread: counted };
}

/** Not marked as unread any more. */
export function recordUnmarked(record: Conversation): Conversation {
  return { ...record, ...removed(record, "markedUnread") };
}

function changesOf(record: Conversation, event: LogEvent, me: UserId | undefined): Partial<Conversation> {
  // The default stands for what changes nothing of the record, and for what only newer servers know.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (event.type) {
    case "message.created":
      // Who writes has read; a new message shows what was hidden.
      return {
        ...leaseAfter(record, event),
        ...(event.from === me
          ? { ...removed(record, "hidden", "markedUnread"), read: event.seq, unread: 0 }
          : { ...removed(record, "hidden"), unread: (record.unread ?? 0) + 1 }),
      };
    case "pin.added":
      return { pins: [...(record.pins ?? []).filter((seq) => seq !== event.target), event.target] };
    case "pin.removed":
    case "message.deleted":
      return record.pins === undefined ? {} : { pins: record.pins.filter((seq) => seq !== event.target) };
    case "member.added":
      return { memberCount: record.memberCount + event.users.length };
    case "member.removed":
      return { memberCount: Math.max(0, record.memberCount - 1) };
    case "member.updated":
      return event.user === me ? { role: event.role } : {};
    case "control.changed": {
      const { type: _type, conversation: _conversation, from: _from, reason: _reason, ...control } = event;
      return { control };
    }
    case "conversation.updated":
      return detailsAfter(event);
    default:
      return {};
  }
}

/** With each message the agent in charge stays so for as long again. */
function leaseAfter({ control }: Conversation, { at, agent, from }: Extract<LogEvent, { type: "message.created" }>): Partial<Conversation> {
  if (control?.leaseMs === undefined || (agent ?? from) !== control.agent) return {};
  return { control: { ...control, leaseUntil: at + control.leaseMs } };
}

/** `null` removes: the field is there and undefined. */
function detailsAfter(event: Extract<LogEvent, { type: "conversation.updated" }>): Partial<Conversation> {
  const named = (["title", "avatar", "data", "write", "slowModeMs", "retentionMs"] as const).filter((field) => event[field] !== undefined);
  return Object.fromEntries(named.map((field) => [field, event[field] ?? undefined]));
}

/** Removed likewise, where they are there. */
function removed(record: Conversation, ...fields: (keyof Conversation)[]): Partial<Conversation> {
  return Object.fromEntries(fields.filter((field) => record[field] !== undefined).map((field) => [field, undefined]));
}
