/** What a conversation needs of the client that holds it. */
import type { Clock, Random, UserId } from "@suda/protocol";
import type { Emit } from "../client-events.ts";
import type { Request } from "../connection/connection.ts";
import type { Sender } from "../sending/sender.ts";
import type { Taps } from "../sending/taps.ts";

export interface ConversationHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly request: Request;
  readonly sender: Sender;
  readonly taps: Taps;
  readonly emit: Emit;
  /** Who is signed in; `undefined` before the first hello. */
  readonly me: () => UserId | undefined;
  readonly isOpen: () => boolean;
  /** Whether others are told what this device has received. */
  readonly tellsDelivery: boolean;
  /** Whether somebody listens to the events of all conversations, so that none may be passed over. */
  readonly isListening: () => boolean;
  /** The record changed: the list of conversations shows it. */
  readonly onRecord: () => void;
  readonly onProblem: (problem: unknown) => void;
}
