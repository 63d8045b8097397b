/** What a program can listen to, by name. */
import type {
  ConversationChanged,
  ConversationId,
  ConversationJoined,
  ConversationLeft,
  ConversationTruncated,
  InteractionAnswered,
  LogEvent,
  PresenceChanged,
  ReceiptUpdated,
  StreamEvent,
  ThinkingStarted,
  ThinkingStopped,
  TypingStarted,
  TypingStopped,
} from "@suda/protocol";

/** The log of this conversation was restored or replaced: what was told of it before counts no more. */
export interface LogReset {
  readonly type: "log.reset";
  readonly conversation: ConversationId;
  readonly epoch: string;
}

/** Events before `from` are not kept any more and could not be told. */
export interface LogTruncated {
  readonly type: "log.truncated";
  readonly conversation: ConversationId;
  readonly from: number;
}

type ByType<Union extends { readonly type: string }> = { readonly [Type in Union["type"]]: Extract<Union, { readonly type: Type }> };

/**
 * The events of logs come for every conversation once, in order and without a hole from when the client first
 * heard of the conversation; `event` is all of them together. What bots think, stream and answer to taps, typing and receipts are lossy by contract.
 */
export type ClientEvents = ByType<
  | LogEvent
  | ConversationJoined
  | ConversationLeft
  | ConversationChanged
  | ConversationTruncated
  | TypingStarted
  | TypingStopped
  | ThinkingStarted
  | ThinkingStopped
  | StreamEvent
  | InteractionAnswered
  | ReceiptUpdated
  | PresenceChanged
  | LogReset
  | LogTruncated
> & {
  readonly event: LogEvent;
};

export type Emit = <Type extends keyof ClientEvents>(type: Type, event: ClientEvents[Type]) => void;

/** Those that are no entries of a log: listening to them alone needs no catching up. */
const besideLogs: ReadonlySet<string> = new Set([
  "conversation.joined",
  "conversation.left",
  "conversation.changed",
  "conversation.truncated",
  "typing.started",
  "typing.stopped",
  "thinking.started",
  "thinking.stopped",
  "stream.started",
  "stream.appended",
  "stream.finished",
  "stream.aborted",
  "interaction.answered",
  "receipt.updated",
  "presence.changed",
]);

export class Listeners {
  readonly #byType = new Map<string, Set<(event: never) => void>>();
  readonly #onProblem: (problem: unknown) => void;
  #logListeners = 0;

  /** @param onProblem gets what a listener throws */
  constructor(onProblem: (problem: unknown) => void) {
    this.#onProblem = onProblem;
  }

  get isFollowingLogs(): boolean {
    return this.#logListeners > 0;
  }

  /** @returns what ends it */
  add<Type extends keyof ClientEvents>(type: Type, listener: (event: ClientEvents[Type]) => void): () => void {
    const listeners = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, listeners);
    const own = (event: ClientEvents[Type]): void => listener(event);
    listeners.add(own);
    const weight = besideLogs.has(type) ? 0 : 1;
    this.#logListeners += weight;
    return () => {
      if (listeners.delete(own)) this.#logListeners -= weight;
    };
  }

  readonly emit: Emit = (type, event) => {
    for (const listener of this.#byType.get(type) ?? []) {
      try {
        listener(event as never);
      } catch (problem) {
        // The listener is the host's code; one that fails must not keep the others from being told.
        this.#onProblem(problem);
      }
    }
  };
}
