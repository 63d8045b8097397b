/**
 * Receipts of one conversation, both ways: how far others are, as they tell it and as it was before this device looked; and
 * what this device has received of theirs (D9).
 */
import type { Clock, LogEvent, Random, ReceiptUpdated, ReplyOf, UserId } from "@suda/protocol";
import { MarkTeller } from "./mark-teller.ts";
import { Receipts } from "./receipts.ts";

export interface ReceiptKeeperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly isOpen: () => boolean;
  /** Whether others are told what this device has received. */
  readonly tellsDelivery: boolean;
  /** 0 until it is known. */
  readonly memberCount: () => number;
  readonly tell: (seq: number) => Promise<ReplyOf<"receipt.delivered">>;
  /** All members of a conversation with receipts. */
  readonly ask: (limit: number) => Promise<ReplyOf<"member.list">>;
  readonly onChange: () => void;
  readonly onProblem: (problem: unknown) => void;
}

/**
 * Milliseconds for each member before a device says what it has received: the more there are, the longer each waits, so that
 * a message brings no more than four such marks a second however many receive it. Who reads meanwhile says both in one.
 */
const deliveryDelayMs = 250;
/** Members up to which a server keeps receipts, unless it was set up for fewer. */
const maxMembers = 100;

export class ReceiptKeeper {
  readonly ofOthers: Receipts = new Receipts();
  readonly #options: ReceiptKeeperOptions;
  readonly #mark: MarkTeller<ReplyOf<"receipt.delivered">>;
  /** An asking whose object is not this one any more has nothing to say. */
  #asked: object | undefined;

  constructor(options: ReceiptKeeperOptions) {
    this.#options = options;
    const { clock, random, isOpen, memberCount, tell, onProblem } = options;
    const delayMs = (): number => deliveryDelayMs * memberCount() * (0.5 + random.float());
    this.#mark = new MarkTeller({ clock, isOpen, tell, onConfirmed: () => {}, onProblem, delayMs });
  }

  told({ user, read, delivered }: Pick<ReceiptUpdated, "user" | "read" | "delivered">): void {
    if (this.ofOthers.advance(user, { read, delivered })) this.#options.onChange();
  }

  /** Asks how far others were before this device looked, if a message of the user's shows it. Once for a connection: what comes later is told. */
  askFor(events: readonly LogEvent[], me: UserId | undefined): void {
    if (this.#asked !== undefined || !this.#options.isOpen() || !this.#isKept) return;
    const { read } = this.ofOthers.highest;
    if (!events.some(({ type, from, seq }) => type === "message.created" && from === me && seq > read)) return;
    const asked = {};
    this.#asked = asked;
    // The next connection asks again; until then what is told must do (promise 10).
    this.#ask(asked, me).catch(() => {});
  }

  async #ask(asked: object, me: UserId | undefined): Promise<void> {
    const { members } = await this.#options.ask(maxMembers);
    if (this.#asked !== asked) return;
    for (const { user, read = 0, delivered = 0 } of members) if (user !== me) this.ofOthers.advance(user, { read, delivered });
    this.#options.onChange();
  }

  /** This device has what others said up to `seq`. */
  received(seq: number): void {
    if (this.#options.tellsDelivery && this.#isKept) this.#mark.advance(seq);
  }

  /** Its user has read up to `seq`, which says more. */
  read(seq: number): void {
    this.#mark.pass(seq);
  }

  onLost(): void {
    this.#asked = undefined;
  }

  /** Nobody looks any more. */
  forget(): void {
    this.#asked = undefined;
    this.ofOthers.clear();
  }

  /** The numbering is another one. */
  reset(): void {
    this.forget();
    this.#mark.reset();
  }

  get #isKept(): boolean {
    return this.#options.memberCount() <= maxMembers;
  }
}
