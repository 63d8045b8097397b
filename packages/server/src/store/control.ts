/**
 * Who is in charge of a conversation with a bot, computed for all drivers alike: may this be said now, may this change be
 * made now (both judged in the moment of storing), and what is so afterwards. Pure.
 *
 * Rules: S39 S40 of docs/contracts/store.md; held by `storeSuite` of @suda/testing.
 */
import type { ControlChanged, ConversationId, Holder, UserId } from "@suda/protocol";
import type { Draft, LogEntry } from "./store.ts";

/** Who is in charge of a conversation with a bot; `none` waits for a human. `seq` and `at` are of the entry that made it so. */
export interface ControlRecord {
  readonly holder: Holder;
  /** Counts the changes: 1, 2, 3… */
  readonly epoch: number;
  readonly seq: number;
  readonly at: number;
  /** The human, with `human`. */
  readonly agent?: UserId;
  /** In which a human is, or was, asked for; not with `bot`. */
  readonly queue?: string;
  /** With `human`: how long the agent may be silent, and until when that is now. */
  readonly leaseMs?: number;
  readonly leaseUntil?: number;
}

/** A place in the list of those that somebody else than the bot is in charge of (S41). */
export interface Controlled {
  readonly id: ConversationId;
  /** Of the control: since when it is so. */
  readonly at: number;
}

/** Who is in charge from now on (S40). In a draft, `epoch` is 0 and `leaseUntil` absent: the store counts. */
export type ControlChangedBody = { readonly type: "control.changed"; readonly reason: ControlChanged["reason"] } & Omit<ControlRecord, "seq" | "at">;

/** Of a conversation whose control never changed: nothing is written before it does. */
const unchangedControl: Pick<ControlRecord, "holder" | "epoch"> = { holder: "bot", epoch: 0 };

/** Whether it may not be said now: the bot, or this agent, is not in charge, or the epoch is another one. */
export function isOutOfControl(control: ControlRecord | undefined, { asBot, asAgent, ifControlEpoch }: Draft): boolean {
  const { holder, epoch } = control ?? unchangedControl;
  if (ifControlEpoch !== undefined && ifControlEpoch !== epoch) return true;
  if (asBot === true && holder !== "bot") return true;
  return asAgent !== undefined && (holder !== "human" || control?.agent !== asAgent);
}

export type ControlJudgement =
  | { readonly judgement: "take"; readonly body: ControlChangedBody }
  | { readonly judgement: "unchanged" }
  | { readonly judgement: "held" };

/**
 * Whether the change may be made, and with which epoch and lease. Unchanged: a human is asked for in that queue already, the
 * bot is in charge already, the lease is not over.
 * @param at of the entry that it would be @param now for leases; may be behind `at` (S2)
 */
export function judgeControl(
  control: ControlRecord | undefined,
  { body, controlOf }: Draft & { readonly body: ControlChangedBody },
  { at, now }: { readonly at: number; readonly now: number },
): ControlJudgement {
  const { holder, epoch } = control ?? unchangedControl;
  const isOver = control?.leaseUntil === undefined || control.leaseUntil <= now;
  const isSame = holder === body.holder && (holder === "bot" || (holder === "none" && control?.queue === body.queue));
  if (isSame || (body.reason === "expired" && (holder !== "human" || !isOver))) return { judgement: "unchanged" };
  if (holder === "human" && controlOf !== undefined && control?.agent !== controlOf) {
    if (controlOf === null) return { judgement: "unchanged" };
    if (!isOver) return { judgement: "held" };
  }
  const { leaseMs } = body;
  // Who takes over keeps the queue in which the human was asked for, so that it can be seen which ones are busy.
  const queue = body.holder === "human" ? control?.queue : body.queue;
  const { queue: _queue, leaseUntil: _leaseUntil, ...rest } = body;
  return {
    judgement: "take",
    body: { ...rest, epoch: epoch + 1, ...(queue === undefined ? {} : { queue }), ...(leaseMs === undefined ? {} : { leaseUntil: at + leaseMs }) },
  };
}

/** What is so after the entry; the same object when it does not concern it. A message of the agent's begins the lease anew. */
export function controlAfter(control: ControlRecord | undefined, { seq, at, from, body }: LogEntry): ControlRecord | undefined {
  if (body.type === "control.changed") {
    const { type: _type, reason: _reason, ...after } = body;
    return { ...after, seq, at };
  }
  if (control?.holder !== "human" || body.type !== "message.created" || (body.agent ?? from) !== control.agent) return control;
  return { ...control, leaseUntil: at + (control.leaseMs ?? 0) };
}
