/** What was tapped: at most once by each press, once for all where it counts once, and as who tapped was told. */
import type { ConversationId, QuickReply } from "@suda/protocol";
import type { LogEntry } from "@suda/server/store";
import type { Logs, Report } from "./check-devices.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

interface Bench {
  readonly logs: Logs;
  readonly report: Report;
}

type Tapped = LogEntry & { readonly body: Extract<LogEntry["body"], { readonly type: "interaction.created" }> };

export function checkTaps(world: SimulatedWorld, { logs, report }: Bench): void {
  for (const [conversation, entries] of logs) checkOnce(conversation, entries, report);
  checkPresses(world, { logs, report });
  checkTold(world, { logs, report });
}

/** [T17] held against what the messages offered at that moment, and not against what the taps say of themselves. */
function checkOnce(conversation: ConversationId, entries: readonly LogEntry[], report: Report): void {
  /** By message: ids of what counts once there. */
  const once = new Map<number, ReadonlySet<string>>();
  const replies = new Map<number, ReadonlySet<string>>();
  const first = new Map<string, number>();
  for (const entry of entries) {
    const { seq, body } = entry;
    if (body.type === "message.created" || body.type === "message.edited") once.set(body.type === "message.created" ? seq : body.target, onceIn(body.content));
    if (body.type === "message.created") replies.set(seq, new Set(body.quickReplies?.map(({ action }: QuickReply) => action.id)));
    if (!isTap(entry)) continue;
    const { target, action } = entry.body;
    const isReply = replies.get(target)?.has(action) === true;
    // Of a message that was deleted since, nothing but the tap says it.
    if (!isReply && once.get(target)?.has(action) !== true && entry.body.once !== true) continue;
    const question = `${target} ${isReply ? "quick replies" : action}`;
    const before = first.get(question);
    if (before === undefined) first.set(question, seq);
    else report("tap.twice", `${action} of seq ${target} of ${conversation} counts once, and was tapped at seq ${before} and at seq ${seq}`);
  }
}

function onceIn(content: { readonly type: string; readonly buttons?: unknown }): ReadonlySet<string> {
  const { buttons = [] } = content as { readonly buttons?: readonly { readonly id: string; readonly once?: boolean }[] };
  return new Set(buttons.filter((button) => button.once === true).map(({ id }) => id));
}

/** [T15] However often a tap was tried. */
function checkPresses({ devices }: SimulatedWorld, { logs, report }: Bench): void {
  const presses = new Map<string, number>();
  for (const { user, pressed } of devices)
    for (const { conversation, target, action } of pressed) {
      const key = `${user} ${conversation} ${target} ${action}`;
      presses.set(key, (presses.get(key) ?? 0) + 1);
    }
  for (const [conversation, entries] of logs) {
    const stored = new Map<string, number>();
    for (const { from, body } of entries.filter(isTap)) {
      const key = `${from} ${conversation} ${body.target} ${body.action}`;
      stored.set(key, (stored.get(key) ?? 0) + 1);
    }
    for (const [key, count] of stored) {
      const pressed = presses.get(key) ?? 0;
      if (count > pressed) report("tap.repeated", `${key}: pressed ${pressed} times, and ${count} times in the log`);
    }
  }
}

/** [T15] [T17] What was answered is in the log: one's own tap, or the one that used it up. */
function checkTold({ tap }: SimulatedWorld, { logs, report }: Bench): void {
  for (const { user, conversation, target, action, clientId, seq, isUsed } of tap.taps) {
    const entry = logs.get(conversation as ConversationId)?.[seq - 1];
    const what = `${user}, who tapped ${action} of seq ${target} of ${conversation},`;
    if (entry === undefined || !isTap(entry) || entry.body.target !== target)
      report("tap.lost", `${what} was told seq ${seq}, which is no tap of that message`);
    else if (isUsed && entry.body.once !== true) report("tap.lost", `${what} was told that seq ${seq} has used it up, which it has not`);
    else if (!isUsed && (entry.from !== user || entry.clientId !== clientId || entry.body.action !== action))
      report("tap.lost", `${what} was told that it is seq ${seq}, which is another tap`);
  }
}

function isTap(entry: LogEntry): entry is Tapped {
  return entry.body.type === "interaction.created";
}
