/**
 * Agents who fell silent: when a lease is over, the bot is in charge again (rule T31). An agent who speaks in that very
 * moment, or anybody who changes control, wins: the store judges once more.
 */
import type { Controlled } from "../store/control.ts";
import { append } from "./append.ts";
import { systemUser, type ChatContext } from "./context.ts";
import { Sweeper } from "./sweeper.ts";

/** How much longer than its lease a human may be in charge. Each sweep reads every conversation that one is in charge of. */
const sweepEveryMs = 10_000;

export function leaseSweeper(context: ChatContext): Sweeper<Controlled> {
  const { conversations } = context.store;
  return new Sweeper({
    context,
    everyMs: sweepEveryMs,
    page: (after, limit) => conversations.withControl("human", after, limit),
    apply: (controlled) => endLease(context, controlled),
  });
}

export async function endLease(context: ChatContext, { id }: Controlled): Promise<void> {
  const { store, clock } = context;
  const control = (await store.conversations.get(id))?.control;
  if (control?.holder !== "human" || control.leaseUntil === undefined || control.leaseUntil > clock.now()) return;
  await append(context, id, {
    from: systemUser,
    ifControlEpoch: control.epoch,
    body: { type: "control.changed", holder: "bot", epoch: 0, reason: "expired" },
  });
}
