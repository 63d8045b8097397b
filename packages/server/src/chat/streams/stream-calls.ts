/**
 * Streams on several nodes: a stream lives on the node that took its start, and what is asked of it elsewhere is carried
 * there over the channel layer. The layer may lose a call or its answer (promise 13); then the bot is told
 * `stream.not_found` and goes on with what needs no stream: starting it again, or finishing it with its content (T53).
 */
import { SudaError, type Clock, type ClientId, type ConversationId, type ErrorCode, type Timer, type UserId } from "@suda/protocol";
import type { ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";

/** Which stream. */
export interface StreamKey {
  readonly conversation: ConversationId;
  readonly from: UserId;
  readonly stream: ClientId;
}

export type StreamAsked =
  | { readonly is: "append"; readonly text: string; readonly offset?: number }
  | { readonly is: "abort"; readonly detail?: string }
  /** What there is, for a finish. */
  | { readonly is: "look" };

export type StreamAnswered =
  | { readonly is: "ok"; readonly length: number; readonly text?: string; readonly replyTo?: number }
  | { readonly is: "refused"; readonly code: ErrorCode; readonly message: string };

/** To all nodes with streams in the conversation: whoever has this one answers. */
export interface StreamCall extends LayerEvent {
  readonly type: "stream.call";
  readonly key: StreamKey;
  readonly asked: StreamAsked;
  readonly call: number;
  /** The asking node's channel. */
  readonly answerTo: string;
}

export interface StreamAnswer extends LayerEvent {
  readonly type: "stream.answer";
  readonly call: number;
  readonly answered: StreamAnswered;
}

/** A connection wants to see what is under way: each node sends it what it has, straight to its channel. */
export interface StreamShow extends LayerEvent {
  readonly type: "stream.show";
  readonly conversation: ConversationId;
  readonly showTo: string;
  /** The node that has answered for its own part. */
  readonly except: string;
}

/** The bot started it anew on another node, which has it from now on. */
export interface StreamTaken extends LayerEvent {
  readonly type: "stream.taken";
  readonly key: StreamKey;
  readonly by: string;
}

/** One of a direct conversation's two blocks the other: no stream goes on there. */
export interface StreamStopped extends LayerEvent {
  readonly type: "stream.stopped";
  readonly conversation: ConversationId;
}

export type StreamLayerEvent = StreamCall | StreamAnswer | StreamShow | StreamTaken | StreamStopped;

/** All nodes with streams in the conversation. */
export function streamGroup(id: ConversationId): string {
  return `streams:${id}`;
}

export interface StreamCallsOptions {
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  /** Name of this node's own channel. */
  readonly answerTo: () => string;
}

/** A round trip takes milliseconds; what takes longer was lost, or nobody has the stream. */
const answerWithinMs = 1_000;
/** Calls that wait for their answers. */
const maxCalls = 1_000;

export class StreamCalls {
  readonly #options: StreamCallsOptions;
  readonly #waiting = new Map<number, { readonly settle: (answer: StreamAnswered | undefined) => void; readonly timer: Timer }>();
  #lastCall = 0;

  constructor(options: StreamCallsOptions) {
    this.#options = options;
  }

  /** `undefined` when no node answers. @throws SudaError server.busy */
  async ask(key: StreamKey, asked: StreamAsked): Promise<StreamAnswered | undefined> {
    if (this.#waiting.size >= maxCalls)
      throw new SudaError("server.busy", "Too many streams are asked for on other nodes; try again.", { retryAfterMs: 1_000 });
    const { layer, clock, answerTo } = this.#options;
    const call = ++this.#lastCall;
    const answered = new Promise<StreamAnswered | undefined>((settle) => {
      this.#waiting.set(call, { settle, timer: clock.schedule(answerWithinMs, () => this.#settle(call, undefined)) });
    });
    const event: StreamCall = { type: "stream.call", key, asked, call, answerTo: answerTo() };
    await layer.groupSend(streamGroup(key.conversation), event);
    return answered;
  }

  onAnswer({ call, answered }: StreamAnswer): void {
    this.#settle(call, answered);
  }

  /** Nobody will answer any more. */
  close(): void {
    for (const call of this.#waiting.keys()) this.#settle(call, undefined);
  }

  #settle(call: number, answered: StreamAnswered | undefined): void {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    waiting?.timer.cancel();
    waiting?.settle(answered);
  }
}
