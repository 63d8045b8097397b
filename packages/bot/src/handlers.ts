/**
 * Which handlers an event has, the closest first: a command before a photo before any message before any event; of the same
 * kind in the order in which they were added. The first one has it, and hands it on with `next` if it likes.
 */
import type { Content, DeletedContent, LogEvent, MessageCreated, UserId } from "@suda/protocol";
import type { CommandContext, Context, Handler, MessageContext, Middleware, Photo, PhotoContext } from "./context.ts";
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

  onType(type: string, handler: Handler<Context<State, never>>): void {
    listOf(this.#byType, type).push(handler as Middleware<State>);
  }

  /** Nothing for what the bot did itself, and for what was deleted before the bot came to it. */
  match(event: LogEvent, bot: UserId): Matched<State> {
    const details = detailsOf(event, bot);
    if (event.from === bot) return { chain: [], details };
    const { command, photo } = details;
    const chain = [...this.#middleware];
    if (event.type === "message.created" && isShown(event)) {
      if (command !== undefined) chain.push(...(this.#commands.get(command.name) ?? []));
      if (photo !== undefined) chain.push(...this.#photos);
      chain.push(...this.#messages);
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
