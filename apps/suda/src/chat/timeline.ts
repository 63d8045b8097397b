/**
 * What one conversation shows: the events of its log in order and without holes, what is being sent, and
 * remarks of the program. ⑪ of the path of a message: merge by seq, and say so when a hole must be fetched.
 */
import { applyChange, type ClientId, type LogEvent, type MessageChange, type UserId } from "@suda/protocol";

export interface Outgoing {
  readonly clientId: ClientId;
  readonly text: string;
  /** Epoch ms by this machine's clock, until the server's is known. */
  readonly at: number;
  readonly state: { readonly is: "sending" } | { readonly is: "sent"; readonly seq: number } | { readonly is: "failed"; readonly reason: string };
}

export interface Notice {
  readonly text: string;
  readonly isError: boolean;
  /** Shown after this event. */
  readonly afterSeq: number;
}

export type TimelineItem =
  | { readonly kind: "event"; readonly event: LogEvent }
  | { readonly kind: "outgoing"; readonly outgoing: Outgoing }
  | { readonly kind: "notice"; readonly notice: Notice };

/** Events kept in memory; the oldest go first and can be fetched again. */
const eventsMax = 2_000;
const noticesMax = 200;

export class Timeline {
  #events: LogEvent[] = [];
  #notices: Notice[] = [];
  #outgoing: Outgoing[] = [];
  #have: number;
  /** The first unread event comes after this one; frozen while one looks. */
  unreadAfter: number | undefined;

  /** @param have seq up to which the log counts as seen elsewhere: nothing up to there is new */
  constructor(have: number) {
    this.#have = have;
  }

  /** Last seq up to which there is no hole. */
  get have(): number {
    return this.#have;
  }

  /** Seq of the oldest event held; older ones are asked for before it. */
  get first(): number {
    return this.#events[0]?.seq ?? this.#have + 1;
  }

  get events(): readonly LogEvent[] {
    return this.#events;
  }

  get outgoing(): readonly Outgoing[] {
    return this.#outgoing;
  }

  /** Takes the next event. `hole`: events before it are missing and it was not taken; fetch what comes after {@link have}. */
  receive(event: LogEvent, me: UserId | undefined): "new" | "known" | "hole" {
    if (event.seq <= this.#have) return "known";
    if (event.seq > this.#have + 1) return "hole";
    this.#events.push(event);
    this.#have = event.seq;
    if (isChange(event))
      this.#events = this.#events.map((one) => (one.type === "message.created" && one.seq === event.target ? applyChange(one, event, me) : one));
    if (this.#events.length > eventsMax) this.#events = this.#events.slice(-eventsMax + 500);
    if (event.type === "message.created" && event.from === me) this.#outgoing = this.#outgoing.filter(({ clientId }) => clientId !== event.clientId);
    return "new";
  }

  /** Older events, ascending, that end right before {@link first}. */
  prepend(events: readonly LogEvent[]): void {
    this.#events = [...events.filter(({ seq }) => seq < this.first), ...this.#events];
  }

  addNotice(text: string, isError: boolean): void {
    this.#notices.push({ text, isError, afterSeq: this.#have });
    if (this.#notices.length > noticesMax) this.#notices.shift();
  }

  addOutgoing(outgoing: Outgoing): void {
    this.#outgoing = [...this.#outgoing, outgoing];
  }

  setOutgoing(clientId: ClientId, state: Outgoing["state"]): void {
    this.#outgoing = this.#outgoing.map((one) => (one.clientId === clientId ? { ...one, state } : one));
  }

  items(): TimelineItem[] {
    const items: TimelineItem[] = [];
    let at = 0;
    const noticesUpTo = (seq: number): void => {
      for (let notice = this.#notices[at]; notice !== undefined && notice.afterSeq <= seq; notice = this.#notices[++at]) items.push({ kind: "notice", notice });
    };
    for (const event of this.#events) {
      // It is on the message that it changed.
      if (isChange(event)) continue;
      noticesUpTo(event.seq - 1);
      items.push({ kind: "event", event });
    }
    noticesUpTo(Number.POSITIVE_INFINITY);
    for (const outgoing of this.#outgoing) items.push({ kind: "outgoing", outgoing });
    return items;
  }
}

function isChange(event: LogEvent): event is MessageChange {
  return event.type === "message.edited" || event.type === "message.deleted" || event.type === "reaction.added" || event.type === "reaction.removed";
}
