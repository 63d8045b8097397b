/**
 * Which handlers an event has, the closest first: a command before a photo before any message before any event, an action or a form before any event; of the same
 * kind in the order in which they were added. The first one has it, and hands it on with `next` if it likes.
 */
import type { Content, DeletedContent, LogEvent, MessageCreated, UserId } from "@suda/protocol";
import type { ActionContext, CommandContext, Context, FormContext, Handler, MessageContext, Middleware, Photo, PhotoContext } from "./context.ts";
import { parseCommand, type ParsedCommand } from "./parse-command.ts";

/** What a handler is told of the event beside the event; each kind reads its own. */
export interface Details {
  readonly text: string;
  readonly command: ParsedCommand | undefined;
  readonly photo: Photo | undefined;
}

export interface Matched<State> {
  readonly chain: readonly Middleware<State>[];
  readonly details: Details;
}

export class Handlers<State> {
  readonly #middleware: Middleware<State>[] = [];
  readonly #commands = new Map<string, Middleware<State>[]>();
  readonly #photos: Middleware<State>[] = [];
  readonly #messages: Middleware<State>[] = [];
  readonly #actions: { readonly fits: (tapped: string) => boolean; readonly handler: Middleware<State> }[] = [];
  readonly #forms: Middleware<State>[] = [];
  readonly #byType = new Map<string, Middleware<State>[]>();

  use(middleware: Middleware<State>): void {
    this.#middleware.push(middleware);
  }

  // The casts: each list is only ever given contexts of its kind, which `match` sees to.

  onMessage(handler: Handler<MessageContext<State>>): void {
    this.#messages.push(handler as Middleware<State>);
  }

  onPhoto(handler: Handler<PhotoContext<State>>): void {
    this.#photos.push(handler as Middleware<State>);
  }

  onCommand(name: string, handler: Handler<CommandContext<State>>): void {
    listOf(this.#commands, name).push(handler as Middleware<State>);
  }

  /** @param id of the action, or its route; or what one of the two has to match */
  onAction(id: string | RegExp, handler: Handler<ActionContext<State>>): void {
    // A copy: the state of a global expression would make every second tap fit.
    const expression = typeof id === "string" ? undefined : new RegExp(id.source, id.flags.replaceAll(/[gy]/g, ""));
    this.#actions.push({ fits: (tapped) => expression?.test(tapped) ?? tapped === id, handler: handler as Middleware<State> });
  }

  onForm(handler: Handler<FormContext<State>>): void {
    this.#forms.push(handler as Middleware<State>);
  }

  onType(type: string, handler: Handler<Context<State, never>>): void {
    listOf(this.#byType, type).push(handler as Middleware<State>);
  }

  /**
   * Nothing for what the bot did itself, and for what was deleted before the bot came to it.
   * @param isInCharge while it is not, messages and taps are for a human: only those hear of them who want every event
   */
  match(event: LogEvent, bot: UserId, isInCharge: boolean): Matched<State> {
    const details = detailsOf(event, bot);
    if (event.from === bot) return { chain: [], details };
    const { command, photo } = details;
    const chain = [...this.#middleware];
    if (isInCharge && event.type === "message.created" && isShown(event)) {
      if (command !== undefined) chain.push(...(this.#commands.get(command.name) ?? []));
      if (photo !== undefined) chain.push(...this.#photos);
      chain.push(...this.#messages);
    }
    // A tap on what another bot said is nothing to this one, and of a message that was deleted nothing is left to act on.
    if (isInCharge && event.type === "interaction.created" && event.to === bot && event.erased !== true) {
      if (event.kind === "submit") chain.push(...this.#forms);
      else for (const { fits, handler } of this.#actions) if (fits(event.action) || (event.route !== undefined && fits(event.route))) chain.push(handler);
    }
    chain.push(...(this.#byType.get(event.type) ?? []), ...(this.#byType.get("event") ?? []));
    return { chain, details };
  }
}

function listOf<Value>(lists: Map<string, Value[]>, key: string): Value[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function isShown({ content, hidden }: MessageCreated): boolean {
  return content.type !== "deleted" && hidden !== true;
}

function detailsOf(event: LogEvent, bot: UserId): Details {
  if (event.type !== "message.created") return { text: "", command: undefined, photo: undefined };
  const text = textIn(event.content);
  return { text, command: event.content.type === "text" ? parseCommand(text, bot) : undefined, photo: photoIn(event.content) };
}

function textIn(content: Content | DeletedContent): string {
  if (content.type === "text") return content.text;
  return "caption" in content ? (content.caption ?? "") : "";
}

function photoIn(content: Content | DeletedContent): Photo | undefined {
  if (content.type === "image") return { kind: "url", url: content.url };
  if (content.type !== "bytes" || !content.mime.startsWith("image/")) return undefined;
  return { kind: "bytes", bytes: content.bytes, mime: content.mime, name: content.name };
}
