/**
 * What edits, deletions, reactions, replies and pins are, a second time and in the plainest way: a list of messages
 * and a list of pins, changed one command after the other. Knows nothing of logs, annotations or stores.
 */
import type { MessageCreated } from "@suda/protocol";

export type ChangeCommand =
  | { readonly type: "message.send"; readonly clientId: string; readonly content: TextLike; readonly replyTo?: number }
  | { readonly type: "message.edit"; readonly target: number; readonly content: TextLike; readonly rev?: number }
  | { readonly type: "message.delete"; readonly target: number }
  | { readonly type: "reaction.add" | "reaction.remove"; readonly target: number; readonly emoji: string }
  | { readonly type: "pin.add" | "pin.remove"; readonly target: number }
  | { readonly type: "receipt.read"; readonly seq: number };

type TextLike = { readonly type: string };

interface ModelMessage {
  readonly seq: number;
  readonly from: string;
  readonly replyTo: number | undefined;
  content: TextLike;
  rev: number;
  deletedBy: string | undefined;
  deletedAt: number;
  /** Emoji → who gave it, in the order in which the emoji came. */
  readonly reactions: Map<string, Set<string>>;
  changed: number;
}

/** What the server must answer: a code, or `ok` with the seq. */
export type Verdict = { readonly code: string; readonly seq?: number };

export class MessageModel {
  head = 0;
  pins: number[] = [];
  readonly messages = new Map<number, ModelMessage>();
  readonly #read = new Map<string, number>();
  /** Who may pin, and delete what others wrote. */
  readonly #managers: ReadonlySet<string>;

  constructor(managers: ReadonlySet<string>) {
    this.#managers = managers;
  }

  take(from: string, command: ChangeCommand): Verdict {
    if (command.type === "message.send") return this.#send(from, command);
    if (command.type === "receipt.read") {
      this.#read.set(from, Math.max(this.readOf(from), Math.min(command.seq, this.head)));
      return { code: "ok" };
    }
    if (command.type.startsWith("pin.") && !this.#managers.has(from)) return { code: "member.forbidden" };
    const message = this.messages.get(command.target);
    if (message === undefined) return { code: "message.not_found" };
    const isMine = message.from === from;
    if (command.type === "message.edit" && !isMine) return { code: "message.forbidden" };
    if (command.type === "message.delete" && !isMine && !this.#managers.has(from)) return { code: "message.forbidden" };
    if (message.deletedBy !== undefined) return command.type === "message.delete" ? { code: "ok", seq: message.deletedAt } : { code: "message.deleted" };
    return this.#change(message, from, command);
  }

  readOf(user: string): number {
    return this.#read.get(user) ?? 0;
  }

  /** Messages after the mark, one by one. */
  unreadOf(user: string): number {
    return [...this.messages.keys()].filter((seq) => seq > this.readOf(user)).length;
  }

  /** A message as `me` is shown it, without its time. */
  shown(seq: number, me: string): object | undefined {
    const message = this.messages.get(seq);
    if (message === undefined) return undefined;
    const { from, replyTo, content, rev, deletedBy, changed } = message;
    return {
      seq,
      from,
      content: deletedBy === undefined ? content : { type: "deleted" },
      replyTo,
      rev: rev === 0 || deletedBy !== undefined ? undefined : rev,
      deletedBy,
      reactions: deletedBy === undefined ? [...message.reactions].map(([emoji, users]) => `${emoji} ${users.size} ${users.has(me) ? "mine" : "others'"}`) : [],
      changed: changed === 0 ? undefined : changed,
    };
  }

  #send(from: string, { content, replyTo }: Extract<ChangeCommand, { type: "message.send" }>): Verdict {
    if (replyTo !== undefined && !this.messages.has(replyTo)) return { code: "frame.invalid" };
    const seq = ++this.head;
    this.messages.set(seq, { seq, from, replyTo, content, rev: 0, deletedBy: undefined, deletedAt: 0, reactions: new Map(), changed: 0 });
    this.#read.set(from, seq);
    return { code: "ok", seq };
  }

  #change(message: ModelMessage, from: string, command: Exclude<ChangeCommand, { type: "message.send" | "receipt.read" }>): Verdict {
    const unchanged: Verdict = { code: "ok", seq: this.head };
    switch (command.type) {
      case "message.edit":
        if (command.content.type !== message.content.type) return { code: "frame.invalid" };
        if (command.rev !== undefined && command.rev !== message.rev) return { code: "message.conflict" };
        message.content = command.content;
        message.rev++;
        break;
      case "message.delete":
        message.deletedBy = from;
        message.deletedAt = this.head + 1;
        this.pins = this.pins.filter((seq) => seq !== message.seq);
        break;
      case "reaction.add": {
        const users = message.reactions.get(command.emoji) ?? new Set();
        if (users.has(from)) return unchanged;
        message.reactions.set(command.emoji, users.add(from));
        break;
      }
      case "reaction.remove": {
        const users = message.reactions.get(command.emoji);
        if (users?.delete(from) !== true) return unchanged;
        if (users.size === 0) message.reactions.delete(command.emoji);
        break;
      }
      case "pin.add":
        if (this.pins.includes(message.seq)) return unchanged;
        this.pins = [...this.pins, message.seq];
        break;
      case "pin.remove":
        if (!this.pins.includes(message.seq)) return unchanged;
        this.pins = this.pins.filter((seq) => seq !== message.seq);
    }
    const seq = ++this.head;
    if (!command.type.startsWith("pin.")) message.changed = seq;
    return { code: "ok", seq };
  }
}

/** What of a message the model speaks of. */
export function comparable({ seq, from, content, replyTo, edited, deleted, reactions = [], changed }: MessageCreated): object {
  return {
    seq,
    from,
    content,
    replyTo,
    rev: edited?.rev,
    deletedBy: deleted?.by,
    reactions: reactions.map(({ emoji, count, mine }) => `${emoji} ${count} ${mine === true ? "mine" : "others'"}`),
    changed,
  };
}
