/**
 * The streams that this node has under way: bots' answers that grow on the members' screens until a message of the log
 * takes their place. In memory only; everything here is bounded, and everything ends: with its message, by the bot, after
 * 30 s of silence or five minutes, when the bot is gone or may not write any more (T47–T53).
 *
 * It hears what happens in the conversations of its streams through the channel layer, as a connection of a member
 * does, so that it does not matter on which node a message was stored or a member removed.
 */
import {
  streamLimits,
  SudaError,
  type ClientId,
  type Clock,
  type ConversationId,
  type LogEvent,
  type StreamAbortReason,
  type StreamDraft,
  type StreamEvent,
  type UserId,
} from "@suda/protocol";
import type { Channel, ChannelLayer, LayerEvent } from "../../channel-layer/channel-layer.ts";
import { BotConnections } from "./bot-connections.ts";
import { announceStream, conversationGroup, type ChatLayerEvent, type ConversationEphemeral } from "../fan-out.ts";
import { LiveStream, type Addition } from "./live-stream.ts";
import {
  StreamCalls,
  streamGroup,
  type StreamAnswer,
  type StreamAnswered,
  type StreamAsked,
  type StreamCall,
  type StreamKey,
  type StreamLayerEvent,
} from "./stream-calls.ts";

export interface StreamsOptions {
  readonly layer: ChannelLayer;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** Whether other nodes may have streams too. Alone, nothing is asked of them and nobody waits for an answer. */
  readonly isShared: boolean;
  readonly bounds?: Partial<StreamBounds>;
}

/** Of one node. */
export interface StreamBounds {
  /** Streams under way, 1…; default 10,000. */
  readonly maxStreams: number;
  /** Of all their texts together, two bytes for a UTF-16 unit, 0…; default 64 MiB. */
  readonly maxBytes: number;
}

export interface StreamStart extends StreamKey {
  readonly replyTo?: number | undefined;
  readonly memberCount: number;
  readonly isConnected: boolean;
}

/** What a finish without a content says. */
export interface StreamText {
  readonly text: string;
  readonly replyTo?: number | undefined;
}

const defaultBounds: StreamBounds = { maxStreams: 10_000, maxBytes: 64 * 1_048_576 };

export class Streams implements AsyncDisposable {
  readonly #options: StreamsOptions;
  readonly #bounds: StreamBounds;
  readonly #calls: StreamCalls;
  readonly #bots: BotConnections;
  readonly #streams = new Map<ConversationId, Map<string, LiveStream>>();
  /** Opened with the first stream, or the first question to other nodes. */
  #channel: Channel | undefined;
  #count = 0;
  #bytes = 0;
  #isStopped = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#bounds = { ...defaultBounds, ...options.bounds };
    this.#calls = new StreamCalls({ ...options, answerTo: () => this.#open().name });
    this.#bots = new BotConnections(options.clock, (bot, leftAtMs) => {
      for (const stream of this.#all()) if (stream.key.from === bot && stream.wasLeft(leftAtMs)) this.#abort(stream, "gone");
    });
  }

  /** Streams under way here. */
  get count(): number {
    return this.#count;
  }

  /** If it is under way, only its time is counted anew. @throws SudaError stream.full, server.busy, server.draining */
  async start({ conversation, from, stream: id, ...start }: StreamStart): Promise<void> {
    const key: StreamKey = { conversation, from, stream: id };
    if (this.#isStopped) throw new SudaError("server.draining");
    const known = this.#find(key);
    if (known !== undefined) return known.touch(start.isConnected);
    this.#checkRoom(key);
    const { clock, isShared } = this.#options;
    const stream: LiveStream = new LiveStream({
      key,
      clock,
      replyTo: undefined,
      ...start,
      onTell: (event) => this.#tell(event),
      onOver: (reason) => this.#abort(stream, reason),
    });
    await this.#add(stream);
    if (isShared) await this.#toNodes(conversation, { type: "stream.taken", key, by: this.#open().name });
    if (this.#find(key) === stream) await announceStream(this.#options, stream.started());
  }

  /** Code points that there are now; of a stream on another node too. @throws SudaError stream.… , server.busy */
  async append(key: StreamKey, { text, offset }: Addition, isConnected: boolean): Promise<number> {
    const stream = this.#find(key);
    if (stream !== undefined) return this.#grow(stream, { text, offset }, isConnected);
    return (await this.#ask(key, { is: "append", text, ...(offset === undefined ? {} : { offset }) })).length;
  }

  /** The text so far of a stream that is here. */
  lookHere(key: StreamKey): StreamText | undefined {
    return this.#find(key);
  }

  /** The text so far of a stream on another node. @throws SudaError stream.not_found, server.busy */
  async lookElsewhere(key: StreamKey): Promise<StreamText> {
    const { text = "", replyTo } = await this.#ask(key, { is: "look" });
    return { text, replyTo };
  }

  /** Ends it, here or on another node. */
  async abort(key: StreamKey, detail: string | undefined): Promise<void> {
    const stream = this.#find(key);
    if (stream !== undefined) return this.#abort(stream, "bot", detail);
    if (this.#options.isShared) await this.#calls.ask(key, { is: "abort", ...(detail === undefined ? {} : { detail }) });
  }

  /** Its message is durable. */
  finish(key: StreamKey, target: number): void {
    const stream = this.#find(key);
    if (stream !== undefined) this.#end(stream, { type: "stream.finished", ...key, target });
  }

  /** The conversation's drafts on this node. Those on others come to `channel` as `stream.started` with their text. */
  async show(conversation: ConversationId, channel: string | undefined): Promise<StreamDraft[]> {
    const drafts = this.#of(conversation).map((stream) => stream.draft());
    if (this.#options.isShared && channel !== undefined)
      await this.#toNodes(conversation, { type: "stream.show", conversation, showTo: channel, except: this.#open().name });
    return drafts;
  }

  /** A connection of a bot. */
  connected(bot: UserId): void {
    this.#bots.connected(bot);
  }

  /** After the last one a bot has ten seconds to come back, or to go on from elsewhere. */
  disconnected(bot: UserId): void {
    this.#bots.disconnected(bot);
  }

  /** No further stream begins, and those under way are aborted: the bot starts them again on the server it finds next. Twice is fine. */
  stop(): void {
    this.#isStopped = true;
    for (const stream of this.#all()) this.#abort(stream, "restart");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    this.#calls.close();
    this.#bots.close();
    await this.#channel?.close();
  }

  // ── here ────────────────────────────────────────────────────────────────────────────────────────────

  #find({ conversation, from, stream }: StreamKey): LiveStream | undefined {
    return this.#streams.get(conversation)?.get(nameIn(from, stream));
  }

  #of(conversation: ConversationId): LiveStream[] {
    return [...(this.#streams.get(conversation)?.values() ?? [])];
  }

  #all(): LiveStream[] {
    return [...this.#streams.keys()].flatMap((conversation) => this.#of(conversation));
  }

  #checkRoom({ conversation, from }: StreamKey): void {
    const mine = this.#of(conversation).filter(({ key }) => key.from === from).length;
    if (mine >= streamLimits.perConversationMax)
      throw new SudaError("stream.full", `You have ${mine} streams under way in this conversation; finish or abort one first.`);
    if (this.#count >= this.#bounds.maxStreams) throw busy();
  }

  async #add(stream: LiveStream): Promise<void> {
    const { conversation, from, stream: id } = stream.key;
    const streams = this.#streams.get(conversation) ?? new Map<string, LiveStream>();
    const isFirst = streams.size === 0;
    this.#streams.set(conversation, streams);
    streams.set(nameIn(from, id), stream);
    this.#count++;
    if (!isFirst) return;
    const channel = this.#open();
    for (const group of groupsOf(conversation)) await this.#options.layer.groupAdd(group, channel);
  }

  #grow(stream: LiveStream, addition: Addition, isConnected: boolean): number {
    stream.append(addition, (units) => {
      if (this.#bytes + units * 2 > this.#bounds.maxBytes) throw busy();
      this.#bytes += units * 2;
    });
    stream.touch(isConnected);
    return stream.length;
  }

  #abort(stream: LiveStream, reason: StreamAbortReason, detail?: string): void {
    this.#end(stream, { type: "stream.aborted", ...stream.key, reason, ...(detail === undefined ? {} : { detail }) });
  }

  #abortAll(conversation: ConversationId, reason: StreamAbortReason, from?: UserId): void {
    for (const stream of this.#of(conversation)) if (from === undefined || stream.key.from === from) this.#abort(stream, reason);
  }

  /** @param event absent when another node has it now */
  #end(stream: LiveStream, event?: StreamEvent): void {
    const { conversation, from, stream: id } = stream.key;
    const streams = this.#streams.get(conversation);
    if (streams?.get(nameIn(from, id)) !== stream) return;
    streams.delete(nameIn(from, id));
    this.#count--;
    this.#bytes -= stream.text.length * 2;
    stream.close();
    if (event !== undefined) this.#tell(event);
    if (streams.size > 0) return;
    this.#streams.delete(conversation);
    this.#leave(conversation).catch(this.#options.onFailure);
  }

  async #leave(conversation: ConversationId): Promise<void> {
    const channel = this.#open();
    for (const group of groupsOf(conversation)) if (!this.#streams.has(conversation)) await this.#options.layer.groupDiscard(group, channel);
  }

  #tell(event: StreamEvent): void {
    announceStream(this.#options, event).catch(this.#options.onFailure);
  }

  // ── what the layer brings ───────────────────────────────────────────────────────────────────────────

  #open(): Channel {
    this.#channel ??= this.#options.layer.open((event) => this.#onLayerEvent(event));
    return this.#channel;
  }

  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    const known = event as ChatLayerEvent | StreamLayerEvent;
    const own = this.#channel?.name;
    // The default stands for what is of the moment, which says nothing of streams.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (known.type) {
      case "conversation.event":
        return this.#onLogEvent(known.event);
      case "stream.call":
        return this.#onCall(known);
      case "stream.answer":
        return this.#calls.onAnswer(known);
      case "stream.show":
        return known.except === own ? undefined : this.#onShow(known.conversation, known.showTo);
      case "stream.taken": {
        const stream = known.by === own ? undefined : this.#find(known.key);
        return stream === undefined ? undefined : this.#end(stream);
      }
      case "stream.stopped":
        return this.#abortAll(known.conversation, "blocked");
      default:
        return;
    }
  }

  #onLogEvent(event: LogEvent): void {
    if (event.type === "message.created") {
      // Also what another node finished.
      this.finish({ conversation: event.conversation, from: event.from, stream: event.clientId }, event.seq);
    } else if (event.type === "member.removed") this.#abortAll(event.conversation, "removed", event.user);
    else if (event.type === "control.changed" && event.holder !== "bot") this.#abortAll(event.conversation, "control");
  }

  async #onCall({ key, asked, call, answerTo }: StreamCall): Promise<void> {
    const stream = this.#find(key);
    if (stream === undefined) return;
    const answer: StreamAnswer = { type: "stream.answer", call, answered: this.#answer(stream, asked) };
    await this.#options.layer.send(answerTo, answer);
  }

  #answer(stream: LiveStream, asked: StreamAsked): StreamAnswered {
    switch (asked.is) {
      case "look":
        return { is: "ok", length: stream.length, text: stream.text, ...(stream.replyTo === undefined ? {} : { replyTo: stream.replyTo }) };
      case "abort":
        this.#abort(stream, "bot", asked.detail);
        return { is: "ok", length: stream.length };
      case "append":
        try {
          // The bot's connection, if there is one, is to another node, and so it cannot be lost here.
          return { is: "ok", length: this.#grow(stream, asked, false) };
        } catch (error) {
          if (!(error instanceof SudaError)) throw error;
          return { is: "refused", code: error.code, message: error.message };
        }
    }
  }

  async #onShow(conversation: ConversationId, channel: string): Promise<void> {
    for (const stream of this.#of(conversation)) {
      const event: ConversationEphemeral = { type: "conversation.ephemeral", event: { ...stream.started(), text: stream.text } };
      await this.#options.layer.send(channel, event);
    }
  }

  // ── other nodes ─────────────────────────────────────────────────────────────────────────────────────

  async #ask(key: StreamKey, asked: StreamAsked): Promise<Extract<StreamAnswered, { is: "ok" }>> {
    const answered = this.#options.isShared ? await this.#calls.ask(key, asked) : undefined;
    if (answered === undefined) throw new SudaError("stream.not_found");
    if (answered.is === "refused") throw new SudaError(answered.code, answered.message);
    return answered;
  }

  async #toNodes(conversation: ConversationId, event: StreamLayerEvent): Promise<void> {
    await this.#options.layer.groupSend(streamGroup(conversation), event).catch(this.#options.onFailure);
  }
}

function groupsOf(conversation: ConversationId): readonly string[] {
  return [streamGroup(conversation), conversationGroup(conversation)];
}

/** No user id has a space. */
function nameIn(from: UserId, stream: ClientId): string {
  return `${from} ${stream}`;
}

function busy(): SudaError {
  return new SudaError("server.busy", "The server has as many streams under way as it can hold; send the answer as a message, or try again.", {
    retryAfterMs: 1_000,
  });
}
