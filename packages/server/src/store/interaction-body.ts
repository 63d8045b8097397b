/** What an entry of a tap says. Part of the contract `store.ts`. */
import type { InteractionKind, InteractionValue, PostbackData, UserId } from "@suda/protocol";

/**
 * A tap. Who taps says what, with which value; the rest the store takes from the message as it is at commit (S38), and is
 * absent in a draft. The digest is over what the tapper says: the same tap tried again is the same, whatever has become of
 * the message meanwhile, and the rest follows from the log before it.
 */
export interface InteractionBody {
  readonly type: "interaction.created";
  readonly target: number;
  /** Id of the action. */
  readonly action: string;
  readonly value?: InteractionValue;
  /** Author of the message. */
  readonly to?: UserId;
  readonly kind?: InteractionKind;
  readonly data?: PostbackData;
  readonly route?: string;
  readonly displayText?: string;
  /** The action is used up from here on. */
  readonly once?: true;
  /** What it said went with its message (S26). */
  readonly erased?: true;
}
