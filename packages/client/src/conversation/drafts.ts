/**
 * Answers of bots while they grow (T54): lossy by contract. A part that is missing is asked for with the whole; the message
 * that a draft ends in takes its place in the moment in which it is applied; and what hears nothing more ends by itself.
 */
import type { ClientId, Clock, ReplyOf, StreamEvent, Timer, UserId } from "@suda/protocol";

export interface Draft {
  /** The clientId that its message will have. */
  readonly stream: ClientId;
  readonly from: UserId;
  /** So far. */
  readonly text: string;
  /** Epoch ms of this device, when it was first heard of. */
  readonly at: number;
  /** Seq of the message that it answers. */
  readonly replyTo?: number;
}

export interface DraftsOptions {
  readonly clock: Clock;
  readonly isOpen: () => boolean;
  readonly ask: () => Promise<ReplyOf<"stream.get">>;
  readonly onChange: () => void;
}

/** The server ends a stream 30 s after the bot's last word. */
const goodForMs = 35_000;
/** Ended drafts that are remembered, so that an answer that was on its way does not bring one back. */
const maxOver = 50;

interface Known {
  readonly draft: Draft;
  /** Code points. */
  readonly length: number;
  readonly timer: Timer;
}

export class Drafts {
  readonly #options: DraftsOptions;
  readonly #known = new Map<string, Known>();
  readonly #over = new Set<string>();
  /** From before the connection broke: they are over if the next one does not know them. */
  #old: readonly string[] = [];
  #isAsking = false;

  constructor(options: DraftsOptions) {
    this.#options = options;
  }

  get all(): readonly Draft[] {
    return [...this.#known.values()].map(({ draft }) => draft);
  }

  receive(event: StreamEvent): void {
    const { from, stream } = event;
    const key = keyOf(from, stream);
    if (event.type === "stream.started") {
      this.#over.delete(key);
      // Begun anew, or told by another node to who joined midway.
      if (event.text === undefined) this.#forget(key);
      this.#merge({ ...event, text: event.text ?? "" }, 0);
    } else if (event.type === "stream.appended") this.#merge(event, event.offset);
    else if (event.type === "stream.aborted") this.ended(from, stream);
    // A finished one stays until its message takes its place.
  }

  /** Its message is there, or there will be none. */
  ended(from: UserId, stream: ClientId): void {
    const key = keyOf(from, stream);
    this.#over.add(key);
    for (const oldest of this.#over) {
      if (this.#over.size <= maxOver) break;
      this.#over.delete(oldest);
    }
    this.#forget(key);
  }

  /** Asks what is under way. Without a connection nothing: the next one asks. */
  load(): void {
    if (this.#isAsking || !this.#options.isOpen()) return;
    this.#isAsking = true;
    // Refused, too fast or by an older server, it is what was missed; the message comes all the same.
    this.#load().catch(() => {});
  }

  onLost(): void {
    this.#old = [...this.#known.keys()];
  }

  clear(): void {
    for (const key of this.#known.keys()) this.#forget(key);
  }

  async #load(): Promise<void> {
    try {
      const { drafts } = await this.#options.ask();
      const found = new Set(drafts.map(({ from, stream }) => keyOf(from, stream)));
      for (const key of this.#old) if (!found.has(key)) this.#forget(key);
      this.#old = [];
      for (const draft of drafts) this.#merge(draft, 0);
    } finally {
      this.#isAsking = false;
    }
  }

  #merge({ from, stream, text, replyTo }: Omit<Draft, "at">, offset: number): void {
    const key = keyOf(from, stream);
    if (this.#over.has(key)) return;
    const known = this.#known.get(key);
    const length = known?.length ?? 0;
    if (offset > length) return this.load();
    const { clock, onChange } = this.#options;
    const added = Array.from(text).slice(length - offset);
    known?.timer.cancel();
    const draft =
      known !== undefined && added.length === 0
        ? known.draft
        : { at: clock.now(), ...(replyTo === undefined ? {} : { replyTo }), ...known?.draft, from, stream, text: (known?.draft.text ?? "") + added.join("") };
    this.#known.set(key, { draft, length: length + added.length, timer: clock.schedule(goodForMs, () => this.#forget(key)) });
    if (draft !== known?.draft) onChange();
  }

  #forget(key: string): void {
    this.#known.get(key)?.timer.cancel();
    if (this.#known.delete(key)) this.#options.onChange();
  }
}

function keyOf(from: UserId, stream: ClientId): string {
  return `${from} ${stream}`;
}
