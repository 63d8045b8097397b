/** What can be pressed in a message, numbered as it is shown: the buttons of its content, then its quick replies. */
import { actionsOf, findAction, formSubmitId, type Action, type FormSubmit } from "@suda/protocol";
import type { ShownMessage } from "./transcript-items.ts";

export interface Button {
  /** From 1. */
  readonly number: number;
  readonly action: Action | FormSubmit;
  readonly isUsed: boolean;
}

export type Pressable = Pick<ShownMessage, "content" | "quickReplies" | "used">;

export interface Buttons {
  readonly ofContent: readonly Button[];
  readonly quickReplies: readonly Button[];
}

/** @param isNewest quick replies are there below the newest message alone */
export function buttonsOf({ content, quickReplies, used = [] }: Pressable, isNewest: boolean): Buttons {
  const submit = findAction({ content }, formSubmitId);
  const own = [...(content.type === "form" && submit !== undefined ? [submit] : []), ...Array.from(actionsOf({ content }), ({ action }) => action)];
  const number = (actions: readonly (Action | FormSubmit)[], before: number): Button[] =>
    actions.map((action, index) => ({ number: before + index + 1, action, isUsed: used.some((one) => one.action === action.id) }));
  return {
    ofContent: number(own, 0),
    quickReplies: number(isNewest ? (quickReplies ?? []).map((reply) => reply.action) : [], own.length),
  };
}
