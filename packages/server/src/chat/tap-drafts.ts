/**
 * What a tap makes, as drafts of one append: the interaction, and behind it what else happens by it. Whatever comes behind
 * `follows` it: it is stored with the tap or not at all, so that a retry, or a tap on what is used up, does nothing twice.
 *
 * This is the one place where a kind of action gets consequences in the log.
 */
import { hash } from "node:crypto";
import type { Action, ClientId, CommandOf, FormSubmit, Role } from "@suda/protocol";
import type { Draft } from "../store/store.ts";
import type { Actor } from "./context.ts";
import { controlConditions, handoffBody } from "./control.ts";

export type TapCommand = Omit<CommandOf<"interaction.tap">, "type" | "ref">;

/** What is tapped, as the message is at `rev`. */
export interface Tapped {
  readonly action: Action | FormSubmit;
  readonly rev: number;
  /** The message is a bot's. */
  readonly isOfBot: boolean;
}

const anyRole: readonly Role[] = ["owner", "admin", "member"];

/**
 * @param tapped `undefined` when there is no such action, or the value does not fit: the draft is then stored in no case, and
 * its outcome tells whether it was stored before
 */
export function tapDrafts(actor: Actor, command: TapCommand, tapped: Tapped | undefined): readonly Draft[] {
  const { target, action, clientId, value } = command;
  const { user, isBackend, isBot } = actor;
  // Bound by a block, and for what is said by the settings; the host's backend is not (A7).
  const by = { from: user, roles: anyRole, ...(isBackend ? {} : { asMember: true as const }) };
  const tap: Draft = {
    ...by,
    clientId,
    ifRev: tapped?.rev ?? noRev,
    body: { type: "interaction.created", target, action, ...(value === undefined ? {} : { value }) },
  };
  // A user's message may look like a bot's; it is only tapped.
  if (tapped?.action.type === "handoff" && tapped.isOfBot) return [tap, { from: user, follows: true, controlOf: null, body: handoffBody(tapped.action.queue) }];
  if (tapped?.action.type !== "message") return [tap];
  const { text } = tapped.action;
  const said: Draft = {
    ...by,
    clientId: clientIdOfSaid(clientId),
    follows: true,
    ...(isBot ? { keepsReadMark: true as const } : {}),
    ...controlConditions(actor, undefined),
    body: { type: "message.created", content: { type: "text", text } },
  };
  return [tap, said];
}

/** No message has it. */
const noRev = -1;

/** Of the message that a tap says: another one than the tap's, always the same for it, and within the bound of 64. */
function clientIdOfSaid(clientId: ClientId): ClientId {
  return `tap-${hash("sha256", clientId, "base64url")}` as ClientId;
}
