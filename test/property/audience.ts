/**
 * Who was told what, compared with who was a member at that time. Founders are in no log: they are what is left when
 * the members of today are followed back to the beginning. What was before the beginning that retention left cannot be judged.
 */
import assert from "node:assert/strict";
import type { ConversationId, Event, UserId } from "@suda/protocol";
import { entryPages, type LogEntry, type Store } from "@suda/server/store";

interface Told {
  readonly user: UserId;
  readonly event: Event;
}

export class Audience {
  readonly #told: Told[] = [];

  told(user: string, event: Event): void {
    this.#told.push({ user: user as UserId, event });
  }

  /** @returns all logs as text, for whoever looks for what may not be in them */
  async check(store: Store): Promise<string> {
    const logs: string[] = [];
    for (const id of await store.conversations.list(undefined, 1_000)) {
      const log = await readLog(store, id);
      const members = await membersBySeq(store, id, log);
      logs.push(JSON.stringify(log));
      for (const { user, event } of this.#told) if (conversationOf(event) === id) checkOne({ user, event }, members);
    }
    return logs.join("\n");
  }
}

function checkOne({ user, event }: Told, { floor, members }: Members): void {
  const text = `${user} was told ${JSON.stringify(event)}`;
  if (!("seq" in event)) {
    // It has no place in the log: at some time the user must have been there.
    assert.ok(floor > 0 || members.some((then) => then.has(user)), `${text} and was never a member`);
    return;
  }
  const isOwnRemoval = event.type === "member.removed" && event.user === user;
  if (event.seq < floor) return;
  assert.ok(isOwnRemoval || members[event.seq - floor]?.has(user) === true, `${text} and was no member then`);
}

function conversationOf(event: Event): ConversationId | undefined {
  if (!("conversation" in event)) return undefined;
  return typeof event.conversation === "string" ? event.conversation : event.conversation.id;
}

interface Members {
  /** Up to this seq the log has nothing any more; 0 when it is whole. */
  readonly floor: number;
  /** After each seq from the floor on; after 0 they are the founders. */
  readonly members: readonly ReadonlySet<UserId>[];
}

async function membersBySeq(store: Store, id: ConversationId, log: readonly LogEntry[]): Promise<Members> {
  const head = (await store.conversations.get(id))?.head.seq ?? 0;
  let now = new Set((await store.conversations.members(id, undefined, 10_000)).map(({ user }) => user));
  const backwards: ReadonlySet<UserId>[] = [now];
  for (const { body } of log.toReversed()) {
    now = new Set(now);
    if (body.type === "member.added") for (const user of body.users) now.delete(user);
    if (body.type === "member.removed") now.add(body.user);
    backwards.push(now);
  }
  return { floor: (log[0]?.seq ?? head + 1) - 1, members: backwards.reverse() };
}

async function readLog(store: Store, id: ConversationId): Promise<readonly LogEntry[]> {
  const log: LogEntry[] = [];
  for await (const page of entryPages(store.log, id)) log.push(...page);
  return log;
}
