/**
 * What the protocol says to one frame, by the state of its connection and by the kind of its token. The rules H1, H3,
 * H4, H5, H9, H14, F10 and F11 once more, written apart from the server.
 */
import { closeCodes } from "@suda/protocol";
import { users, type FrameSpec } from "./protocol-steps.ts";

export const shortTokenMs = 20_000;

export type ConnectionState =
  | { readonly is: "new"; readonly since: number }
  | { readonly is: "greeted"; readonly user: string }
  | { readonly is: "closed"; readonly code: number | undefined };

/** Who sends the frame. */
export interface Speaker {
  readonly state: ConnectionState;
  /** Whose tokens it calls its own. */
  readonly user: string;
  readonly handshakeExpiresAt: number | undefined;
}

export interface Expected {
  readonly codes: readonly string[];
  readonly isReply: boolean;
  /** The domain decides: any code but those of connections. */
  readonly isDomain: boolean;
  readonly next?: ConnectionState;
  readonly expiresAt?: number;
}

const refusal = (code: string, rest: Partial<Expected> = {}): Expected => ({ codes: [code], isReply: false, isDomain: false, ...rest });

/** What the protocol says to one frame, by the state of its connection. */
export function expectedOf({ state, user, handshakeExpiresAt }: Speaker, { command, flaw }: FrameSpec, now: number): Expected {
  if (flaw === "unknown type") return refusal("frame.unknown_type");
  if (flaw !== "none") return refusal("frame.invalid");
  const { type } = command;
  const isHello = type === "hello";
  if (state.is === "new" && !isHello) return refusal("auth.required");
  if (state.is === "greeted" && isHello) return refusal("auth.already");
  if (!isHello && type !== "token.refresh") return { codes: [], isReply: true, isDomain: true };
  const closing = (reason: "auth_expired" | "auth_invalid"): Partial<Expected> => (isHello ? { next: { is: "closed", code: closeCodes[reason].code } } : {});
  const accepted = (speaksFor: string, expiresAt: number): Expected => {
    if (state.is === "greeted" && speaksFor !== state.user) return refusal("auth.forbidden");
    return { codes: [], isReply: true, isDomain: false, ...(isHello ? { next: { is: "greeted", user: speaksFor }, expiresAt } : {}) };
  };
  switch (command["token"]) {
    case undefined:
      return handshakeExpiresAt === undefined ? refusal("auth.required") : accepted(user, handshakeExpiresAt);
    case "token:own":
      return accepted(user, expiryIn(now, 3_600_000));
    case "token:short":
      return accepted(user, expiryIn(now, shortTokenMs));
    case "token:other":
      return accepted(otherThan(user), expiryIn(now, 3_600_000));
    case "token:expired":
      return refusal("auth.expired", closing("auth_expired"));
    default:
      return refusal("auth.invalid", closing("auth_invalid"));
  }
}

/** Whole seconds, as tokens count. */
export function expiryIn(now: number, ms: number): number {
  return (Math.floor(now / 1_000) + ms / 1_000) * 1_000;
}

export function otherThan(user: string): string {
  return users[(users.indexOf(user as (typeof users)[number]) + 1) % users.length] as string;
}
