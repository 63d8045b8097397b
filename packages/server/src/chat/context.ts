/**
 * What every function of the domain is given: the two contracts, time and chance, limits. No container and
 * no globals; a test makes one of these and calls the function.
 */
import type { Clock, Random, UserId } from "@suda/protocol";
import type { ChannelLayer } from "../channel-layer/channel-layer.ts";
import type { Store } from "../store/store.ts";
import type { NodeWatch } from "./nodes/node-watch.ts";
import type { Streams } from "./streams/streams.ts";
import type { CustomKinds } from "./custom-kinds.ts";
import type { BotWebhooks } from "./bot-webhooks.ts";
import type { CommitLetters } from "./commit-letters.ts";
import type { Lines, SendHook } from "./send-hook.ts";

export interface ChatContext {
  readonly store: Store;
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: ChatLimits;
  readonly streams: Streams;
  /** Which custom contents may be sent. */
  readonly customKinds: CustomKinds;
  readonly metrics: ChatMetrics;
  readonly webhooks: BotWebhooks;
  readonly commitLetters: CommitLetters;
  /** The host's word before a message is stored; absent: none is asked. */
  readonly sendHook?: { readonly hook: SendHook; readonly lines: Lines };
  /** Finds what the layer lost between nodes; absent where there is one. */
  readonly watch?: NodeWatch;
  /** Whether somebody follows all logs, and is to be told that one has moved. */
  readonly tellsCommits?: boolean;
  /** Gets what failed without harm to the caller: the channel layer did not take an event. */
  readonly onFailure: (error: unknown) => void;
}

export interface ChatLimits {
  /** Members up to which typing and receipts are told to the others, 2…; default 100. */
  readonly ephemeralMaxMembers: number;
  /** Members of one group, 2…100,000; default 5,000. */
  readonly maxMembers: number;
}

export const defaultChatLimits: ChatLimits = { maxMembers: 5_000, ephemeralMaxMembers: 100 };

/** What the domain counts; telemetry implements it. */
export interface ChatMetrics {
  /** A message became durable; `ms` from command to durable. */
  sent(ms: number): void;
  /** A retry found its first send. */
  duplicate(): void;
  /** A page of a log was read behind a seq, as whoever fills a hole does, or before one. */
  historyRead(direction: "after" | "before"): void;
}

/** Who asks. */
export interface Actor {
  readonly user: UserId;
  /** The host's backend, acting as this user: it may enter any conversation and needs no role. */
  readonly isBackend: boolean;
  /** The user is a bot, as its record said at `hello`, or says at the call of HTTP. */
  readonly isBot: boolean;
  /** Name of the channel of the connection over which it asks; absent over HTTP. */
  readonly channel?: string;
}

/** The author of what the host's backend does without naming a user. No token can be for it. */
export const systemUser = "~system" as UserId;
