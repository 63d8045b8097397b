/**
 * A server of one conversation, small enough to be seen to be right, on a network that loses, repeats and
 * reorders live events, breaks connections at any moment, and whose log may be replaced or cut.
 */
import type { Command, LogEvent, MessageCreated, ReplyOf, Resumed } from "@suda/protocol";
import type { Transport, TransportHandlers } from "../src/index.ts";
import { me, message, record, room } from "./frames.ts";

interface Socket {
  readonly handlers: TransportHandlers;
  /** On their way to the client. */
  readonly frames: object[];
}

const pageSize = 7;

export class ModelServer {
  log: MessageCreated[] = [];
  /** The log as it would be if nothing had been cut from it. */
  all: MessageCreated[] = [];
  epoch = 1;
  /** Seqs up to here are gone. */
  floor = 0;
  #socket: Socket | undefined;

  readonly transport: Transport = (_url, handlers) => {
    const socket: Socket = { handlers, frames: [] };
    this.#socket = socket;
    queueMicrotask(() => handlers.onOpen());
    return {
      send: (text) => {
        // The network is gone: the server hears nothing.
        if (this.#socket === socket) this.#onCommand(socket, JSON.parse(text) as Command);
      },
      close: () => {
        if (this.#socket === socket) this.#socket = undefined;
      },
    };
  };

  get head(): number {
    return this.floor + this.log.length;
  }

  get pendingFrames(): number {
    return this.#socket?.frames.length ?? 0;
  }

  append(fields: Partial<MessageCreated> = {}): MessageCreated {
    const event = message(this.head + 1, { at: this.epoch * 1_000_000 + this.head + 1, ...fields });
    this.log.push(event);
    this.all.push(event);
    this.#socket?.frames.push(event);
    return event;
  }

  /** Gives the client what is on its way: the first frame, or a live event out of turn. */
  deliver(index = 0): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const isLive = socket.frames.slice(0, index + 1).every((frame) => "seq" in frame);
    const [frame] = socket.frames.splice(isLive ? index : 0, 1);
    if (frame !== undefined) socket.handlers.onMessage(JSON.stringify(frame));
  }

  /** The first live event on its way is lost, or comes twice. */
  disturb(how: "lose" | "repeat"): void {
    const frames = this.#socket?.frames ?? [];
    const index = frames.findIndex((frame) => "seq" in frame && "content" in frame);
    const frame = frames[index];
    if (frame === undefined) return;
    if (how === "lose") frames.splice(index, 1);
    else frames.push(frame);
  }

  lag(): void {
    this.#socket?.frames.push({ type: "lag", conversation: room, head: this.head });
  }

  break(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.handlers.onClose(1006, "");
  }

  /** A backup was restored: another log, with another epoch; connections end with the server. */
  replace(length: number): void {
    this.break();
    this.epoch++;
    this.floor = 0;
    this.log = [];
    this.all = [];
    for (let n = 0; n < length; n++) this.append();
  }

  /** Retention: the oldest are not kept any more. */
  cut(count: number): void {
    this.floor += this.log.splice(0, count).length;
  }

  #onCommand(socket: Socket, command: Command): void {
    const reply = this.#replyTo(command);
    socket.frames.push({ type: "reply", ref: command.ref, ...reply });
  }

  #replyTo(command: Command): object {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (command.type) {
      case "hello":
        return this.#greet(command.resume?.cursors[room]);
      case "history.get":
        return this.#history(command);
      case "conversation.get":
        return { conversation: this.#record() };
      case "message.send": {
        const { clientId, content } = command;
        const known = this.all.find((event) => event.clientId === clientId);
        const { seq, at } = known ?? this.append({ from: me, clientId, content });
        return { seq, at, ...(known === undefined ? {} : { duplicate: true }) };
      }
      case "receipt.delivered":
        return { delivered: command.seq };
      case "member.list":
        return { members: [], more: false };
      case "user.get":
        return { user: { id: me } };
      default:
        throw new Error(`The model knows no ${command.type}.`);
    }
  }

  #record(): ReturnType<typeof record> {
    return record({ epoch: `e${this.epoch}`, head: this.head, lastAt: this.head });
  }

  #after(seq: number): MessageCreated[] {
    return this.log.filter((event) => event.seq > seq).slice(0, pageSize);
  }

  #history({ after, before }: { readonly after?: number; readonly before?: number }): ReplyOf<"history.get"> {
    if (after !== undefined) {
      const events = this.#after(after);
      return { events, head: this.head, more: (events.at(-1)?.seq ?? this.head) < this.head };
    }
    const older = this.log.filter(({ seq }) => before === undefined || seq < before);
    return { events: older.slice(-pageSize), head: this.head, more: older.length > pageSize };
  }

  #greet(cursor: { readonly seq: number; readonly epoch: string } | undefined): ReplyOf<"hello"> {
    const reply = { user: me, change: 0, conversations: [this.#record()], more: false };
    if (cursor === undefined) return reply;
    const place = { conversation: room, epoch: `e${this.epoch}`, head: this.head };
    const resumed: Resumed[] = [];
    const events: LogEvent[] = this.#after(cursor.seq);
    const more = (events.at(-1)?.seq ?? this.head) < this.head;
    const first = events[0]?.seq ?? cursor.seq + 1;
    if (cursor.epoch !== place.epoch || cursor.seq > this.head) resumed.push({ ...place, outcome: "reset", events: [], more: this.head > 0 });
    else if (first > cursor.seq + 1) resumed.push({ ...place, outcome: "truncated", from: first, events, more });
    else if (cursor.seq < this.head) resumed.push({ ...place, outcome: "events", events, more });
    return { ...reply, resumed, left: [] };
  }
}
