/**
 * ⑨⑩ What a connection is told, and what is left out when it does not read fast enough (promise 6): first what
 * is ephemeral, then live events, which one `lag` per conversation replaces as soon as there is room again.
 * Nothing is dropped silently: a `lag` names the head up to which the client reads the log.
 */
import type { Codec, ConversationId, EphemeralEvent, Event, LogEvent } from "@suda/protocol";
import type { WebSocketConnection } from "../app/app.ts";
import type { EventEncoder } from "./event-encoder.ts";

export interface DeliveriesOptions {
  readonly connection: WebSocketConnection;
  readonly codec: Codec;
  readonly encoder: EventEncoder;
  readonly onFailure: (error: unknown) => void;
  readonly metrics: DeliveryMetrics;
}

export interface DeliveryMetrics {
  /** An event was given to a connection. */
  delivered(): void;
  /** A conversation's live events were replaced by `lag`. */
  lagged(): void;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Conversations with events left out, with the newest seq left out; absent while the client keeps up. */
  #lagging: Map<ConversationId, number> | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** A new entry of a log. */
  live(event: LogEvent): void {
    if (this.#lagging === undefined) {
      if (!this.#options.connection.isCongested) return this.tell(event);
      this.#lagging = new Map();
      this.#catchUp().catch(this.#options.onFailure);
    }
    const head = this.#lagging.get(event.conversation);
    if (head === undefined) this.#options.metrics.lagged();
    if (head === undefined || event.seq > head) this.#lagging.set(event.conversation, event.seq);
  }

  /** The log is further than what was told: the client reads it. */
  lag(conversation: ConversationId, head: number): void {
    if (this.#lagging === undefined) return this.tell({ type: "lag", conversation, head });
    this.#lagging.set(conversation, Math.max(head, this.#lagging.get(conversation) ?? 0));
  }

  /** Lossy by contract. */
  ephemeral(event: EphemeralEvent): void {
    if (this.#lagging === undefined && !this.#options.connection.isCongested) this.tell(event);
  }

  /** What cannot be left out: few, and bounded by the outbox. */
  tell(event: Event): void {
    const { connection, codec, encoder, metrics } = this.#options;
    metrics.delivered();
    connection.send(encoder.encode(codec, event));
  }

  async #catchUp(): Promise<void> {
    await this.#options.connection.drained();
    const lagging = this.#lagging ?? new Map<ConversationId, number>();
    this.#lagging = undefined;
    for (const [conversation, head] of lagging) this.tell({ type: "lag", conversation, head });
  }
}
