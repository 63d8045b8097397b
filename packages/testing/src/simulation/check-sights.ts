/** Who saw what, on any way, against who may: members only, what was deleted by nobody, and one time for each entry. */
import type { ConversationId, UserId } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";
import type { Logs, Report } from "./check-devices.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

interface Interval {
  readonly from: number;
  to: number;
}

interface Bench {
  readonly logs: Logs;
  readonly report: Report;
}

export async function checkSights(world: SimulatedWorld, { logs, report }: Bench): Promise<void> {
  await checkMembership(world, { logs, report });
  checkErased(world, { logs, report });
  checkTimes(world, report);
}

/** From the entry of the joining (0: from the beginning) to that of the removal, both included. */
function intervalsOf(entries: readonly LogEntry[]): ReadonlyMap<string, readonly Interval[]> {
  const intervals = new Map<string, Interval[]>();
  for (const { seq, body } of entries) {
    if (body.type === "member.added") for (const user of body.users) intervals.set(user, [...(intervals.get(user) ?? []), { from: seq, to: Infinity }]);
    if (body.type !== "member.removed") continue;
    const own = intervals.get(body.user);
    const last = own?.at(-1);
    // Whom no entry added was there from the beginning.
    if (last === undefined) intervals.set(body.user, [{ from: 0, to: seq }]);
    else last.to = seq;
  }
  return intervals;
}

/** Whoever saw an entry was a member when it came (live), or at some time after it (in a page). */
async function checkMembership({ tap, store, nodes }: SimulatedWorld, { logs, report }: Bench): Promise<void> {
  const members = new Map<string, ReadonlyMap<string, readonly Interval[]>>([...logs].map(([id, entries]) => [id, intervalsOf(entries)]));
  for (const { user, conversation, live, read } of tap.sights.values()) {
    let own = members.get(conversation)?.get(user);
    if (own === undefined) {
      // Named by no entry: a founder who is still there, or a stranger.
      const isFounder = (await store.conversations.member(conversation as ConversationId, user as UserId)) !== undefined;
      own = isFounder ? [{ from: 0, to: Infinity }] : [];
    }
    // What comes late from another node may come after a joining, to somebody who can read it in history as well.
    for (const seq of live)
      if (!own.some(({ from, to }) => (seq >= from || nodes.bus !== undefined) && seq <= to))
        report("stranger.saw", `${user} saw seq ${seq} of ${conversation} live, and was no member`);
    for (const seq of read) if (!own.some(({ to }) => seq <= to)) report("stranger.saw", `${user} saw seq ${seq} of ${conversation}, and was no member`);
  }
}

/** [D8] A page that was read after a deletion says nothing of what the message, or an edit of it, said. */
function checkErased({ tap }: SimulatedWorld, { logs, report }: Bench): void {
  const deletions = new Map<string, ReadonlyMap<number, number>>(
    [...logs].map(([id, entries]) => [id, new Map(entries.flatMap(({ seq, body }) => (body.type === "message.deleted" ? [[body.target, seq] as const] : [])))]),
  );
  for (const { user, conversation, message, head } of tap.texts) {
    const deletedAt = deletions.get(conversation)?.get(message);
    if (deletedAt !== undefined && deletedAt <= head)
      report("erased.shown", `${user} read what seq ${message} of ${conversation as ConversationId} said when seq ${deletedAt} had deleted it`);
  }
}

/** [S2] as users see it. */
function checkTimes({ tap }: SimulatedWorld, report: Report): void {
  for (const [conversation, times] of tap.times) {
    let before = 0;
    for (const [seq, [at = 0, ...others]] of [...times].sort(([one], [other]) => one - other)) {
      if (others.length > 0) report("shown.time", `seq ${seq} of ${conversation} was shown with two times`);
      if (at < before) report("shown.time", `seq ${seq} of ${conversation} was shown with a time before that of an earlier one`);
      before = at;
    }
  }
}
