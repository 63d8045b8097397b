/** One stream: its text, when its parts are told, and when it ends by itself (T47, T48, T51). */
import {
  streamLimits,
  SudaError,
  type Clock,
  type StreamAbortReason,
  type StreamAppended,
  type StreamDraft,
  type StreamStarted,
  type Timer,
} from "@suda/protocol";
import { GrowingText } from "./growing-text.ts";
import type { StreamKey } from "./stream-calls.ts";

export interface LiveStreamOptions {
  readonly key: StreamKey;
  readonly replyTo: number | undefined;
  readonly clock: Clock;
  /** Members who are told: the more they are, the less often. */
  readonly memberCount: number;
  readonly isConnected: boolean;
  readonly onTell: (event: StreamAppended) => void;
  readonly onOver: (reason: StreamAbortReason) => void;
}

/** What a bot adds. */
export interface Addition {
  readonly text: string;
  /** Code points before it; absent: the end. */
  readonly offset?: number | undefined;
}

/** Members who are told of each part at the shortest interval. */
const membersPerStep = 100;

export class LiveStream {
  readonly key: StreamKey;
  readonly replyTo: number | undefined;
  readonly #options: LiveStreamOptions;
  readonly #text = new GrowingText();
  readonly #startedAt: number;
  readonly #startedAtMs: number;
  readonly #tellEveryMs: number;
  #touchedAtMs: number;
  #isConnected: boolean;
  /** What was added and not told yet. */
  #untold: { readonly offset: number; text: string } | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #endTimer: Timer;
  #tellTimer: Timer | undefined;

  constructor(options: LiveStreamOptions) {
    const { key, replyTo, clock, memberCount, isConnected } = options;
    this.key = key;
    this.replyTo = replyTo;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#startedAtMs = clock.monotonicMs();
    this.#touchedAtMs = this.#startedAtMs;
    this.#isConnected = isConnected;
    this.#tellEveryMs = streamLimits.tellEveryMs * Math.max(1, Math.ceil(memberCount / membersPerStep));
    this.#endTimer = clock.schedule(streamLimits.idleMs, () => this.#endOrWait());
  }

  get text(): string {
    return this.#text.text;
  }

  /** Code points. */
  get length(): number {
    return this.#text.length;
  }

  /** Whether it was last used over a connection of this node, and not since `timeMs`. */
  wasLeft(timeMs: number): boolean {
    return this.#isConnected && this.#touchedAtMs <= timeMs;
  }

  /** Its time counts anew. @param isConnected whether the bot asks over a connection of this node, which it may lose */
  touch(isConnected: boolean): void {
    this.#touchedAtMs = this.#options.clock.monotonicMs();
    this.#isConnected = isConnected;
  }

  /**
   * @param reserve is asked for room for so many UTF-16 units, and throws when there is none
   * @throws SudaError stream.gap, stream.conflict, stream.full, and what `reserve` throws
   */
  append({ text, offset }: Addition, reserve: (units: number) => void): void {
    const grown = this.#text.plan(text, offset);
    switch (grown.is) {
      case "known":
        return;
      case "gap":
        throw new SudaError("stream.gap", `The stream has ${this.length} code points; first append what is missing before ${offset}.`, { path: "/offset" });
      case "conflict":
        throw new SudaError("stream.conflict", undefined, { path: "/text" });
      case "full":
        throw new SudaError("stream.full", `The stream has ${this.length} code points and would be over 5,000; finish it and start another.`, {
          path: "/text",
        });
      case "grown":
        reserve(grown.added.length);
        this.#text.grow(grown);
        if (this.#untold === undefined) this.#untold = { offset: grown.offset, text: grown.added };
        else this.#untold.text += grown.added;
        this.#tellSoon();
    }
  }

  started(): StreamStarted {
    return { type: "stream.started", ...this.key, ...(this.replyTo === undefined ? {} : { replyTo: this.replyTo }) };
  }

  draft(): StreamDraft {
    const { from, stream } = this.key;
    return { stream, from, text: this.text, startedAt: this.#startedAt, ...(this.replyTo === undefined ? {} : { replyTo: this.replyTo }) };
  }

  close(): void {
    this.#endTimer.cancel();
    this.#tellTimer?.cancel();
  }

  /** The first part at once; what comes within the interval after it as one. */
  #tellSoon(): void {
    if (this.#tellTimer !== undefined) return;
    const { clock } = this.#options;
    const waitMs = this.#toldAtMs + this.#tellEveryMs - clock.monotonicMs();
    if (waitMs <= 0) return this.#tell();
    this.#tellTimer = clock.schedule(waitMs, () => {
      this.#tellTimer = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#untold === undefined) return;
    const { offset, text } = this.#untold;
    this.#untold = undefined;
    this.#toldAtMs = this.#options.clock.monotonicMs();
    this.#options.onTell({ type: "stream.appended", ...this.key, offset, text });
  }

  #endOrWait(): void {
    const { clock, onOver } = this.#options;
    const nowMs = clock.monotonicMs();
    const idleAtMs = this.#touchedAtMs + streamLimits.idleMs;
    const overAtMs = this.#startedAtMs + streamLimits.lifetimeMs;
    if (nowMs >= overAtMs) return onOver("too_long");
    if (nowMs >= idleAtMs) return onOver("timeout");
    this.#endTimer = clock.schedule(Math.min(idleAtMs, overAtMs) - nowMs, () => this.#endOrWait());
  }
}
