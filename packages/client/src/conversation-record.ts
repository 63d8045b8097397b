/** The record of a conversation, kept current by the events of its log: what the server would answer now, as far as events tell. */
import type { Conversation, LogEvent, UserId } from "@suda/protocol";

/** The record after an event; the same object when the record knew it already. */
export function recordAfter(record: Conversation, event: LogEvent, me: UserId | undefined): Conversation {
  // A record that the server gave later than this event counts it already.
  if (event.seq <= record.head) return record;
  return { ...record, head: event.seq, lastAt: event.at, last: event, ...changesOf(record, event, me) };
}

/** Read up to `seq`. @param unread as counted over what is held, `undefined` when that does not reach back far enough */
export function recordRead(record: Conversation, seq: number, unread: number | undefined): Conversation {
  const read = Math.max(record.read ?? 0, Math.min(seq, record.head));
  const counted = read >= record.head ? 0 : (unread ?? record.unread ?? 0);
  return read === record.read && counted === record.unread ? record : { ...record, read, unread: counted };
}

function changesOf(record: Conversation, event: LogEvent, me: UserId | undefined): Partial<Conversation> {
  // The default stands for what changes nothing of the record, and for what only newer servers know.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (event.type) {
    case "message.created":
      // Who writes has read.
      if (event.from === me) return { read: event.seq, unread: 0 };
      return { unread: (record.unread ?? 0) + 1 };
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
    case "conversation.updated":
      return detailsAfter(record, event);
    default:
      return {};
  }
}

function detailsAfter(record: Conversation, { title, avatar, data }: Extract<LogEvent, { type: "conversation.updated" }>): Partial<Conversation> {
  const { title: oldTitle, avatar: oldAvatar, data: oldData } = record;
  const changed = {
    title: title === undefined ? oldTitle : title,
    avatar: avatar === undefined ? oldAvatar : avatar,
    data: data === undefined ? oldData : data,
  };
  // `null` removes: the field is there and undefined.
  return Object.fromEntries(Object.entries(changed).map(([name, value]) => [name, value ?? undefined]));
}
