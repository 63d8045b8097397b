/**
 * What a log alone tells of its conversation's members: the creation is in no entry, so who was there from
 * the beginning, and with which role, is only known once an entry has named them. Everything here is
 * three-valued: certain, or not told.
 */
import type { Role, UserId } from "@suda/protocol";
import { effectsOf } from "./log-entry.ts";
import type { LogEntry } from "./store.ts";

/** What the log says of one user at its end. */
export interface Told {
  /** `undefined`: no entry names a joining or leaving; the user is a member if they were one from the beginning. */
  readonly isMember: boolean | undefined;
  /** Told by an entry; `undefined` when the creation gave it. */
  readonly role: Role | undefined;
  /** The entry of the certain joining. */
  readonly joined: LogEntry | undefined;
  /** Seq of the last own message since joining: who writes has read. */
  readonly readAtLeast: number;
  /** That message, and the slow mode in which it was written: `null` for none, `undefined` when no entry tells. */
  readonly sent?: { readonly at: number; readonly slowModeMs: number | null | undefined };
}

/** Whoever wrote before joining may have been no member then. */
function untoldSent({ sent: _sent, ...told }: Told): Told {
  return told;
}

const untold: Told = { isMember: undefined, role: undefined, joined: undefined, readAtLeast: 0 };

export class MembersReplay {
  readonly users: Map<UserId, Told> = new Map();
  /** Title, avatar and data as the last entries left them; `null` when removed, absent when no entry names them. */
  readonly patched: Record<string, unknown> = {};
  /** The last entry that has certainly changed the members. */
  lastChange = 0;
  /** All that may have; 0 stands for the creation. */
  readonly possibleChanges: Set<number> = new Set([0]);

  apply(entry: LogEntry): void {
    for (const effect of effectsOf(entry)) {
      if (effect.effect === "conversation.patch") {
        for (const [field, value] of Object.entries(effect.patch)) if (field !== "type" && value !== undefined) this.patched[field] = value;
        continue;
      }
      const told = this.users.get(effect.user) ?? untold;
      switch (effect.effect) {
        case "member.join":
          if (told.isMember === true) break;
          this.#changed(entry.seq, told.isMember === false);
          this.users.set(
            effect.user,
            told.isMember === false
              ? { isMember: true, role: effect.role, joined: entry, readAtLeast: entry.seq }
              : // Perhaps a member from the beginning, for whom this changed nothing.
                { ...untoldSent(told), isMember: true, role: told.role === "member" ? "member" : undefined },
          );
          break;
        case "member.leave":
          if (told.isMember === false) break;
          this.#changed(entry.seq, told.isMember === true);
          this.users.set(effect.user, { ...untold, isMember: false });
          break;
        case "member.role":
          if (told.isMember === false) break;
          if (told.role !== effect.role) this.#changed(entry.seq, told.isMember === true && told.role !== undefined);
          this.users.set(effect.user, { ...told, role: effect.role });
          break;
        case "member.read":
        case "member.wrote":
          if (told.isMember === false) break;
          this.users.set(effect.user, {
            ...told,
            readAtLeast: effect.effect === "member.read" ? entry.seq : told.readAtLeast,
            sent: { at: entry.at, slowModeMs: this.#slowModeMs },
          });
          break;
      }
    }
  }

  /**
   * What `sentAt` of a member must be; `untold` when the log does not say.
   * @param slowModeMs of the conversation now: what it always was when no entry names it
   */
  sentAtOf(user: UserId, slowModeMs: number | null): number | undefined | "untold" {
    const { sent } = this.users.get(user) ?? untold;
    if (sent === undefined) return "untold";
    const slow = sent.slowModeMs !== undefined || "slowModeMs" in this.patched ? sent.slowModeMs : slowModeMs;
    if (slow === undefined) return "untold";
    return slow === null ? undefined : sent.at;
  }

  get #slowModeMs(): number | null | undefined {
    return this.patched["slowModeMs"] as number | null | undefined;
  }

  #changed(seq: number, isCertain: boolean): void {
    this.possibleChanges.add(seq);
    if (isCertain) this.lastChange = seq;
  }
}
