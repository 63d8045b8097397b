/**
 * ⑥→⑦ Every change of a log goes through here: append, and when it is durable, fan out. One function for
 * all, so that the events of a conversation reach the layer in the order of their seqs.
 */
import { SudaError, type ConversationId } from "@suda/protocol";
import type { AppendOptions, AppendOutcome, Draft, LogEntry } from "../store/store.ts";
import type { ChatContext } from "./context.ts";
import { fanOut } from "./fan-out.ts";

/** The outcome of one draft; a `stored` one is on its way to the members. */
export async function append(context: ChatContext, conversation: ConversationId, draft: Draft, options?: AppendOptions): Promise<AppendOutcome> {
  const [outcome] = await appendAll(context, conversation, [draft], options);
  if (outcome === undefined) throw new Error("The store answered an append of one draft with no outcome.");
  return outcome;
}

/** One outcome per draft, all stored or none (S4); `stored` ones are on their way to the members, side by side. */
export async function appendAll(
  context: ChatContext,
  conversation: ConversationId,
  drafts: readonly Draft[],
  options?: AppendOptions,
): Promise<readonly AppendOutcome[]> {
  const outcomes = await context.store.log.append(conversation, drafts, options);
  await fanOut(
    context,
    conversation,
    outcomes.flatMap((outcome) => (outcome.outcome === "stored" ? [outcome.entry] : [])),
  );
  return outcomes;
}

/** How often a change of members is tried again when others change them at the same moment. */
export const memberChangeAttempts = 5;

/**
 * Appends what `prepare` decides from the present members, again from the start when they changed meanwhile.
 * `prepare` returns the draft with the `membersSeq` that it looked at, or `undefined` when there is nothing to do.
 * @throws SudaError member.forbidden when the author lost the role meanwhile, server.busy after five attempts
 */
export async function appendMemberChange(
  context: ChatContext,
  conversation: ConversationId,
  prepare: () => Promise<{ readonly draft: Draft; readonly membersSeq: number } | undefined>,
): Promise<LogEntry | undefined> {
  for (let attempt = 0; attempt < memberChangeAttempts; attempt++) {
    const prepared = await prepare();
    if (prepared === undefined) return undefined;
    const outcome = await append(context, conversation, prepared.draft, { ifMembersSeq: prepared.membersSeq });
    if (outcome.outcome === "stored") return outcome.entry;
    if (outcome.outcome === "refused") throw new SudaError("member.forbidden");
    if (outcome.outcome !== "moved") throw new Error(`A draft without a clientId came back as ${outcome.outcome}.`);
  }
  throw membersChangeTooFast();
}

export function membersChangeTooFast(): SudaError {
  return new SudaError("server.busy", "The members of this conversation change too fast; try again.", { retryAfterMs: 200 });
}
