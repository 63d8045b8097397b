/**
 * An ill-behaved client of a reconnect storm, as somebody writes it in an afternoon: it comes back at once and, after each refusal,
 * close or five seconds without an answer, at once again; keeps no cursors, so that it is told everything anew; and asks for a
 * page of every conversation in one go.
 */
import { limits, type ConversationId, type LogEvent, type UserId } from "@suda/protocol";
import { HandshakeRefused, RawWebSocket } from "@suda/testing";
import { setImmediate as nextTurn } from "node:timers/promises";
import { entryOf, monotonicMs } from "./journal.ts";
import { ShownLog, type StormClient, type StormClientOptions } from "./storm-client.ts";

/** As little of a frame as it looks at. */
interface Frame {
  readonly type: string;
  readonly ref?: number;
  readonly code?: string;
  readonly conversation?: ConversationId;
  readonly conversations?: readonly { readonly id: ConversationId; readonly head: number }[];
  readonly events?: readonly LogEvent[];
}

const patienceMs = 5_000;
const helloRef = 0;
/** Pages of conversation i are asked for with ref i + 1. */
const pageSize: number = limits.pageDefault;

export class HastyClient implements StormClient {
  readonly user: UserId;
  readonly found: string[] = [];
  readonly #options: StormClientOptions;
  #logs = new Map<ConversationId, ShownLog>();
  #heads = new Map<ConversationId, number>();
  #expected: ReadonlyMap<ConversationId, number> = new Map();
  #socket: RawWebSocket | undefined;
  #isCounting = false;
  #isOver = false;
  #mayConnect = true;
  #triedAtMs = 0;
  #resumedAtMs: number | undefined;
  #tookMs = 0;
  #whenUpToDate: () => void = () => {};

  constructor(options: StormClientOptions) {
    this.user = options.user;
    this.#options = options;
  }

  get isResumed(): boolean {
    const { rooms } = this.#options;
    return this.#socket?.isOpen === true && rooms.every((room) => (this.#logs.get(room)?.head ?? -1) >= (this.#expected.get(room) ?? 0));
  }

  get resumedAtMs(): number | undefined {
    return this.#resumedAtMs;
  }

  get tookMs(): number {
    return this.#tookMs;
  }

  async ready(): Promise<void> {
    const isUpToDate = new Promise<void>((resolve) => (this.#whenUpToDate = resolve));
    this.#comeBack();
    await isUpToDate;
  }

  /** Until {@link go} its network is dead too: to hammer at a closed port would show nothing of the server. */
  hold(): void {
    this.#mayConnect = false;
    this.#isCounting = false;
  }

  expect(heads: ReadonlyMap<ConversationId, number>): void {
    this.#expected = heads;
    this.#resumedAtMs = undefined;
    this.#logs = new Map();
  }

  go(): void {
    this.#isCounting = true;
    this.#mayConnect = true;
    this.#comeBack();
  }

  shown(room: ConversationId): ReturnType<StormClient["shown"]> {
    const { base, entries } = this.#logs.get(room) ?? new ShownLog(0);
    return { base, entries, head: this.#heads.get(room) ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#socket?.[Symbol.asyncDispose]();
  }

  #comeBack(): void {
    if (this.#isOver || !this.#mayConnect || this.#socket !== undefined) return;
    this.#try().catch((error: unknown) => {
      // A refusal, or a reset or refused connection, which has a code: whatever it was, at once again.
      const { code = "", message } = error as Error & { readonly code?: string };
      this.#refused(error instanceof HandshakeRefused ? `HTTP ${error.status}` : code || message);
      nextTurn().then(
        () => this.#comeBack(),
        () => {},
      );
    });
  }

  async #try(): Promise<void> {
    const { url, localAddress, token } = this.#options;
    this.#triedAtMs = monotonicMs();
    this.#logs = new Map();
    let isAnswered = false;
    const timer = setTimeout(() => {
      if (isAnswered) return;
      this.#refused("no answer in 5 s");
      socket?.destroy();
    }, patienceMs);
    let socket: RawWebSocket | undefined;
    try {
      socket = await RawWebSocket.open(`${url}/v1/socket`, {
        subprotocol: "suda.v1.json",
        localAddress,
        onMessage: (payload) => {
          const told = JSON.parse(payload.toString()) as Frame | readonly Frame[];
          for (const frame of Array.isArray(told) ? (told as readonly Frame[]) : [told as Frame]) {
            if (frame.ref === helloRef && frame.type === "reply") isAnswered = true;
            this.#onFrame(socket as RawWebSocket, frame);
          }
        },
        onClose: (code) => {
          clearTimeout(timer);
          // What it ended itself it has counted.
          if (code !== 1006 || isAnswered) this.#refused(String(code));
          this.#socket = undefined;
          this.#comeBack();
        },
      });
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
    this.#socket = socket;
    socket.send(JSON.stringify({ type: "hello", ref: helloRef, token }));
  }

  #onFrame(socket: RawWebSocket, frame: Frame): void {
    const { rooms } = this.#options;
    const { type, ref, conversation } = frame;
    if (type === "error") {
      this.#refused(frame.code ?? "?");
      if (ref === helloRef || ref === undefined) socket.destroy();
      else this.#askPage(socket, rooms[ref - 1] as ConversationId);
    } else if (type === "reply" && ref === helloRef) {
      for (const { id, head } of frame.conversations ?? []) this.#heads.set(id, head);
      for (const room of rooms) this.#askPage(socket, room);
    } else if (type === "reply" && ref !== undefined) this.#onPage(rooms[ref - 1] as ConversationId, frame.events ?? []);
    else if (type === "lag" && conversation !== undefined) this.#askPage(socket, conversation);
    else if ("seq" in frame && conversation !== undefined) this.#onEvent(conversation, frame as unknown as LogEvent);
  }

  #askPage(socket: RawWebSocket, room: ConversationId): void {
    this.#logs.delete(room);
    socket.send(JSON.stringify({ type: "history.get", ref: this.#options.rooms.indexOf(room) + 1, conversation: room, limit: pageSize }));
  }

  #onPage(room: ConversationId, events: readonly LogEvent[]): void {
    const log = new ShownLog((events[0]?.seq ?? 1) - 1);
    for (const event of events) if (!log.add(entryOf(event))) this.found.push(`${this.user} got a page of ${room} with seq ${event.seq} after ${log.head}`);
    this.#logs.set(room, log);
    this.#heads.set(room, Math.max(this.#heads.get(room) ?? 0, log.head));
    if (!this.isResumed) return;
    this.#whenUpToDate();
    if (this.#resumedAtMs !== undefined) return;
    this.#resumedAtMs = monotonicMs();
    this.#tookMs = this.#resumedAtMs - this.#triedAtMs;
  }

  /** Before the page is here, the page brings it. */
  #onEvent(room: ConversationId, event: LogEvent): void {
    this.#heads.set(room, Math.max(this.#heads.get(room) ?? 0, event.seq));
    const log = this.#logs.get(room);
    if (log === undefined || event.seq <= log.head) return;
    if (!log.add(entryOf(event))) this.found.push(`${this.user} was told seq ${event.seq} of ${room} after ${log.head}`);
  }

  #refused(code: string): void {
    if (this.#isCounting) this.#options.onRefused(code);
  }
}
