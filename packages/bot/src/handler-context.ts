/**
 * The context of one try at one event. What it says goes out in order and one at a time; what a handler does not wait for
 * is waited for here. When the try is over, nothing of it can do anything any more: a handler that ran out of time and goes
 * on all the same cannot speak between the words of the next try.
 */
import { RequestRefused } from "@suda/client";
import {
  limits,
  type ClientId,
  type Clock,
  type CommandType,
  type Content,
  type ConversationId,
  type FormValue,
  type InteractionCreated,
  type LogEvent,
  type MessageBody,
  type ReplyOf,
  type UserId,
} from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import type { OffloadOptions } from "@suda/offload";
import type { CommandContext, Draft, Photo, PhotoContext, Sayable, Sent, TemplateOptions, TemplateVariables } from "./context.ts";
import { AnswerDraft } from "./draft.ts";
import type { Details } from "./handlers.ts";
import type { Ask, Fields } from "./session.ts";
import { WorkingSign } from "./working-sign.ts";
import { WatchedPromise } from "./watched-promise.ts";

export interface HandlerContextParts<State> {
  readonly event: LogEvent;
  readonly bot: UserId;
  /** Epoch of control: what is said is refused when somebody took over since. */
  readonly control: number;
  readonly attempt: number;
  readonly state: State;
  readonly details: Details;
  readonly signal: AbortSignal;
  readonly ask: Ask;
  readonly offload: Offload;
  readonly clock: Clock;
}

export type Offload = (module: URL | string, input: unknown, options: OffloadOptions) => Promise<unknown>;

/** Told again before the 6 s, and the 30 s, are over for which others see it. */
const typingEveryMs = 4_000;
const thinkingEveryMs = 20_000;

/** All kinds in one: which of its fields a handler sees is what its type says. */
export class HandlerContext<State> implements Omit<CommandContext<State>, "event">, Omit<PhotoContext<State>, "event" | "photo"> {
  readonly event: LogEvent;
  readonly conversation: ConversationId;
  readonly from: UserId;
  readonly bot: UserId;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly text: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly argument: string;
  readonly photo: Photo | undefined;
  readonly action: string;
  readonly target: number;
  readonly data: InteractionCreated["data"];
  readonly value: InteractionCreated["value"];
  readonly values: FormValue;
  state: State;
  /** Seqs of what it said: the bot has no need to work these off. */
  readonly sent: number[] = [];
  readonly #control: number;
  readonly #ask: Ask;
  readonly #offload: Offload;
  readonly #clock: Clock;
  readonly #typing: WorkingSign;
  readonly #thinking: WorkingSign;
  readonly #drafts: AnswerDraft[] = [];
  readonly #pending = new Set<WatchedPromise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();
  #unseen: { readonly error: unknown } | undefined;
  #isOver = false;
  #answers = 0;
  #edits = 0;

  constructor({ event, bot, control, attempt, state, details, signal, ask, offload, clock }: HandlerContextParts<State>) {
    this.event = event;
    this.conversation = event.conversation;
    this.from = event.from;
    this.bot = bot;
    this.attempt = attempt;
    this.signal = signal;
    this.state = state;
    this.text = details.text;
    this.command = details.command?.name ?? "";
    this.args = details.command?.args ?? [];
    this.argument = details.command?.argument ?? "";
    this.photo = details.photo;
    const tap = event.type === "interaction.created" ? event : undefined;
    this.action = tap?.action ?? "";
    this.target = tap?.target ?? 0;
    this.data = tap?.data;
    this.value = tap?.value;
    // The server has held it against the form's fields.
    this.values = (tap?.kind === "submit" && typeof tap.value === "object" ? tap.value : {}) as FormValue;
    this.#control = control;
    this.#ask = ask;
    this.#offload = offload;
    this.#clock = clock;
    const sign = (everyMs: number, start: "typing.start" | "thinking.start", stop: "typing.stop" | "thinking.stop"): WorkingSign => {
      const tell = (type: typeof start | typeof stop) => ask(type, { conversation: this.conversation }, this.#options);
      return new WorkingSign({ clock, everyMs, start: () => tell(start), stop: () => tell(stop) });
    };
    this.#typing = sign(typingEveryMs, "typing.start", "typing.stop");
    this.#thinking = sign(thinkingEveryMs, "thinking.start", "thinking.stop");
  }

  reply(...messages: readonly [Sayable, ...Sayable[]]): Promise<Sent> {
    return this.#say({ messages: messages.map(bodyOf) });
  }

  replyTemplate(id: string, variables?: TemplateVariables, options: TemplateOptions = {}): Promise<Sent> {
    return this.#say({ template: { id, ...options, ...(variables === undefined ? {} : { variables }) } });
  }

  edit(target: number, content: Content | string): Promise<Sent> {
    const clientId = this.#clientId("edit", ++this.#edits);
    return this.#inOrder(() =>
      this.#once(clientId, () =>
        this.#ask("message.edit", { conversation: this.conversation, target, clientId, control: this.#control, content: contentOf(content) }, this.#options),
      ),
    );
  }

  async toast(text: string): Promise<void> {
    await this.request("interaction.answer", { conversation: this.conversation, target: this.event.seq, toast: text });
  }

  replace(content: Content | string): Promise<Sent> {
    return this.edit(this.target, content);
  }

  offload<Result = unknown>(module: URL | string, input: unknown, options: Omit<OffloadOptions, "signal"> = {}): Promise<Result> {
    return this.#offload(module, input, { ...options, signal: this.signal }) as Promise<Result>;
  }

  async handoff(queue?: string): Promise<void> {
    await this.request("control.handoff", { conversation: this.conversation, ...(queue === undefined ? {} : { queue }) });
  }

  typing(): void {
    this.#checkNotOver();
    this.#typing.show();
  }

  thinking(): void {
    this.#checkNotOver();
    this.#thinking.show();
  }

  stream(source: AsyncIterable<string> | Iterable<string>, end?: Omit<MessageBody, "content">): Promise<Sent>;
  stream(): Draft;
  stream(source?: AsyncIterable<string> | Iterable<string>, end?: Omit<MessageBody, "content">): Draft | Promise<Sent> {
    this.#checkNotOver();
    const stream = this.#clientId("answer", this.#answers++);
    const draft = new AnswerDraft({
      conversation: this.conversation,
      seq: this.event.seq,
      stream,
      ask: this.#ask,
      clock: this.#clock,
      signal: this.signal,
      say: (message, before) =>
        this.#inOrder(async () => {
          await before();
          const finish = { conversation: this.conversation, stream, control: this.#control, ...bodyOf(message) };
          return this.#said(await this.#once(stream, () => this.#ask("stream.finish", finish, this.#options)));
        }),
    });
    this.#drafts.push(draft);
    return source === undefined ? draft : this.#watch(this.#pour(source, draft, end));
  }

  request<T extends CommandType>(type: T, fields: Fields<T>): Promise<ReplyOf<T>> {
    return this.#inOrder(() => this.#ask(type, fields, this.#options));
  }

  /** What the handler left under way. @throws what nobody else saw of it */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all([...this.#pending].map((one) => one.settled()));
    // Those that nobody finished. A server that does not hear of it ends them by itself.
    for (const draft of this.#drafts) await draft.abort().catch(() => {});
    if (this.#unseen !== undefined) throw this.#unseen.error;
  }

  /** From here on it refuses everything. */
  end(): void {
    this.#isOver = true;
    this.#typing.takeBack();
    this.#thinking.takeBack();
  }

  get #options(): { readonly signal: AbortSignal } {
    return { signal: this.signal };
  }

  /** The same for every try; the first answer's is that of bots inside the server's process, which may have given it. */
  #clientId(kind: "answer" | "edit", index: number): ClientId {
    return `${kind}-${this.event.seq}${index === 0 ? "" : `-${index}`}` as ClientId;
  }

  #inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#last;
    const result = this.#watch(
      before.then(() => {
        this.#checkNotOver();
        return work();
      }),
    );
    this.#last = result.settled();
    return result;
  }

  /** The handler's end waits for it. */
  #watch<Result>(work: Promise<Result>): WatchedPromise<Result> {
    const result = new WatchedPromise<Result>((resolve) => resolve(work));
    this.#pending.add(result);
    void this.#await(result);
    return result;
  }

  /** Never rejects. */
  async #await(result: WatchedPromise<unknown>): Promise<void> {
    const outcome = await result.settled();
    this.#pending.delete(result);
    if (outcome.status === "rejected" && !result.isWatched) this.#unseen ??= { error: outcome.reason };
  }

  #say(what: Pick<Fields<"bot.send">, "messages" | "template">): Promise<Sent> {
    const clientId = this.#clientId("answer", this.#answers++);
    return this.#inOrder(async () => {
      const send = { conversation: this.conversation, clientId, control: this.#control, ...what };
      return this.#said(await this.#once(clientId, () => this.#ask("bot.send", send, this.#options)));
    });
  }

  async #once(clientId: ClientId, ask: () => Promise<Answer>): Promise<Sent> {
    let sent: Sent;
    try {
      sent = sentOf(await ask());
    } catch (error) {
      // An earlier try said something else. It was shown, so it stands.
      if (!(error instanceof RequestRefused) || error.code !== "send.conflict") throw error;
      sent = await this.#find(clientId);
    }
    this.sent.push(...sent.seqs);
    return sent;
  }

  /** What an earlier try said: it stands after the event. */
  async #find(clientId: ClientId): Promise<Sent> {
    for (let after = this.event.seq, more = true; more; ) {
      const page = await this.#ask("history.get", { conversation: this.conversation, after, limit: limits.pageMax }, this.#options);
      const found = page.events.find((event) => event.from === this.bot && "clientId" in event && event.clientId === clientId);
      if (found !== undefined) return foundOf(found);
      after = page.events.at(-1)?.seq ?? after;
      more = page.more && page.events.length > 0;
    }
    throw new BotError("bot.answer_gone", { conversation: this.conversation, seq: this.event.seq });
  }

  #said(sent: Sent): Sent {
    this.#typing.end();
    this.#thinking.end();
    return sent;
  }

  async #pour(source: AsyncIterable<string> | Iterable<string>, draft: AnswerDraft, end: Omit<MessageBody, "content"> = {}): Promise<Sent> {
    try {
      for await (const piece of source) draft.append(piece);
    } catch (error) {
      await draft.abort();
      throw error;
    }
    return draft.finish({ content: { type: "text", text: draft.text }, ...end });
  }

  #checkNotOver(): void {
    if (this.#isOver) throw new BotError("bot.context_over", { conversation: this.conversation, seq: this.event.seq });
  }
}

export function bodyOf(message: Sayable): MessageBody {
  if (typeof message === "string") return { content: { type: "text", text: message } };
  return "content" in message ? message : { content: message };
}

/** The replies of `bot.send`, `message.send` and `message.edit`. */
export type Answer = { readonly at: number; readonly duplicate?: true } & ({ readonly seq: number } | { readonly seqs: readonly number[] });

export function sentOf(answer: Answer): Sent {
  const seqs = "seqs" in answer ? answer.seqs : [answer.seq];
  return { seq: seqs[0] ?? 0, seqs, at: answer.at, isDuplicate: answer.duplicate === true };
}

/** The first of what was said at once; the others follow on it. */
function foundOf(event: LogEvent): Sent {
  const count = event.type === "message.created" ? (event.part?.total ?? 1) : 1;
  return { seq: event.seq, seqs: Array.from({ length: count }, (_, index) => event.seq + index), at: event.at, isDuplicate: true };
}

function contentOf(content: Content | string): Content {
  return typeof content === "string" ? { type: "text", text: content } : content;
}
