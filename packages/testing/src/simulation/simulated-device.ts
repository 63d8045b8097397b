/**
 * One device of a simulated world: the real `@suda/client` on a clock, a network and a disk that are simulated. It
 * can die and come back with what its disk has. What its user wrote, and what it told its listeners, is remembered
 * outside of it, for the check at the end.
 */
import {
  ConnectionLost,
  openClient,
  RequestRefused,
  type ClientConversation,
  type ClientOptions,
  type Outbox,
  type Sending,
  type SudaClient,
  type Transport,
} from "@suda/client";
import type { ClientId, CommandType, ConversationId, LogEvent } from "@suda/protocol";
import type { SeededRandom } from "../seeded-random.ts";
import { DeviceDisk } from "./device-disk.ts";
import type { SimulatedConnection } from "./simulated-connection.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Frame } from "./wire-tap.ts";

/** Put around what a device has: for planting bugs, or for a team's own code. */
export interface ClientWrappers {
  readonly outbox?: (outbox: Outbox) => Outbox;
  readonly transport?: (transport: Transport) => Transport;
  readonly client?: (client: SudaClient) => SudaClient;
}

export interface DeviceOptions {
  readonly user: string;
  readonly name: string;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** How far its wall clock is off, ms. */
  readonly skewMs: number;
  /** Least delay of its network, ms. */
  readonly delayMs: number;
  /** Listens to the events of all logs, as a bot does, and opens only what its user turns to; the others open everything and listen to nothing. */
  readonly isFollower: boolean;
  readonly wrappers: ClientWrappers;
  readonly connect: (device: SimulatedDevice, ...parameters: Parameters<Transport>) => ReturnType<Transport>;
  /** What the client could tell nobody else. */
  readonly onProblem: (problem: unknown) => void;
}

/** A message that the user wrote. */
export interface Written {
  readonly conversation: ConversationId;
  readonly clientId: ClientId;
  /** What `stored` said. */
  storedSeq: number | undefined;
  isRefused: boolean;
}

/** What a message offers, and the user tapped. */
export interface Pressed {
  readonly conversation: ConversationId;
  readonly target: number;
  readonly action: string;
}

export interface StreamProblem {
  readonly kind: "stream.hole" | "stream.twice" | "stream.reset";
  readonly message: string;
}

const retryAskMs = 2_000;
const askAttempts = 5;

export class SimulatedDevice {
  readonly user: string;
  readonly name: string;
  readonly delayMs: number;
  readonly disk: DeviceDisk;
  readonly written: Written[] = [];
  /** Each time that the user pressed something, in whatever life. */
  readonly pressed: Pressed[] = [];
  /** Per conversation the seq that listeners were told last; only of this life. */
  readonly streamed: Map<ConversationId, number> = new Map();
  readonly streamProblems: StreamProblem[] = [];
  connection: SimulatedConnection | undefined;
  isOnline = true;
  /** Commands that have no answer yet. */
  openRequests: () => number = () => 0;
  readonly #options: DeviceOptions;
  readonly #rooms = new Map<ConversationId, () => void>();
  #client: SudaClient | undefined;
  #life = 0;
  #isShowingAll = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.user = options.user;
    this.name = options.name;
    this.delayMs = options.delayMs;
    this.disk = new DeviceDisk(options.time, options.random.fork());
  }

  /** `undefined` while the device is dead, or reads its outbox. */
  get client(): SudaClient | undefined {
    return this.#client;
  }

  get isFollower(): boolean {
    return this.#options.isFollower;
  }

  /** Ids of what the list of conversations shows, the last active one first. */
  get known(): readonly ConversationId[] {
    return this.#client?.conversations.getSnapshot().conversations.map(({ id }) => id) ?? [];
  }

  // ── life and death ──────────────────────────────────────────────────────────────────────────────────

  /** Nothing when it lives. */
  start(): void {
    if (this.#life % 2 === 1) return;
    const life = ++this.#life;
    const isAlive = (): boolean => this.#life === life;
    const { time, random, skewMs, wrappers, onProblem } = this.#options;
    const outbox = this.disk.outbox(isAlive);
    const transport: Transport = (url, handlers) =>
      this.#options.connect(this, url, {
        onOpen: () => isAlive() && handlers.onOpen(),
        onMessage: (text) => isAlive() && handlers.onMessage(text),
        onClose: (code, reason) => isAlive() && handlers.onClose(code, reason),
      });
    const options = {
      url: "wss://suda.example/v1/socket",
      tokenProvider: () => "the network authenticates",
      outbox: wrappers.outbox?.(outbox) ?? outbox,
      transport: wrappers.transport?.(transport) ?? transport,
      // A device's clock may be off by days; nothing may depend on it.
      clock: time.clock({ wallMs: () => skewMs, isAlive }),
      random: random.fork(),
      onProblem: (problem: unknown) => isAlive() && onProblem(problem),
    };
    this.#open(options, isAlive).catch(onProblem);
  }

  async #open(options: ClientOptions, isAlive: () => boolean): Promise<void> {
    const client = await openClient(options);
    if (!isAlive()) return;
    this.#client = this.#options.wrappers.client?.(client) ?? client;
    if (this.isFollower) this.#follow(this.#client, isAlive);
    else this.#openAll(this.#client);
  }

  /** The process is gone between two turns. Nothing when it is dead. */
  kill(serverMs: number): void {
    if (this.#life % 2 === 0) return;
    this.#life++;
    this.connection?.cut({ serverMs, clientMs: 0 });
    this.disk.crash();
    this.#client = undefined;
    this.#rooms.clear();
    this.streamed.clear();
    this.#isShowingAll = false;
  }

  // ── what its user does ──────────────────────────────────────────────────────────────────────────────

  /** Opened, if it was not. */
  room(id: ConversationId): ClientConversation | undefined {
    const room = this.#client?.conversation(id);
    if (room !== undefined && !this.#rooms.has(id))
      this.#rooms.set(
        id,
        room.subscribe(() => {}),
      );
    return room;
  }

  lookAway(id: ConversationId): void {
    this.#rooms.get(id)?.();
    this.#rooms.delete(id);
  }

  say(id: ConversationId, text: string, replyTo?: number): void {
    const sending = this.room(id)?.sendText(text, replyTo === undefined ? {} : { replyTo });
    if (sending === undefined) return;
    const written: Written = { conversation: id, clientId: sending.clientId, storedSeq: undefined, isRefused: false };
    this.written.push(written);
    this.#await(written, sending);
  }

  /** A message that was refused: sent again, or forgotten. */
  reconsider(id: ConversationId, isRetried: boolean): void {
    const room = this.room(id);
    const failed = room?.getSnapshot().messages.find(({ state }) => state === "failed");
    const written = this.written.find(({ clientId }) => clientId === failed?.clientId);
    if (room === undefined || failed === undefined || written === undefined) return;
    // Refused in an earlier life, perhaps.
    written.isRefused = true;
    if (!isRetried) return void room.discard(failed.clientId);
    const sending = room.retry(failed.clientId);
    written.isRefused = false;
    if (sending !== undefined) this.#await(written, sending);
  }

  /**
   * Any command, once, if there is a connection; what comes of it is for the client's own use.
   * With `isRetried` again while the answer is lost: for commands that a retry does not repeat.
   */
  ask({ type, ...fields }: Frame, isRetried = false): void {
    const client = this.#client;
    const attempt = (count: number): void => {
      if (client === undefined || this.#client !== client) return;
      this.#quietly(client.request(type as CommandType, fields), () => {
        if (isRetried && count < askAttempts) this.#options.time.schedule(retryAskMs, () => attempt(count + 1));
      });
    };
    attempt(1);
  }

  /** What the client offers beside commands: refusals and lost connections are part of a day. */
  attempt(action: (client: SudaClient) => Promise<unknown>): void {
    if (this.#client !== undefined) this.#quietly(action(this.#client), () => {});
  }

  // ── at the end ──────────────────────────────────────────────────────────────────────────────────────

  /** Opens everything and scrolls to the beginnings; to be called until {@link isSettled}. */
  showAll(): void {
    const client = this.#client;
    if (client === undefined || this.#isShowingAll || this.#isAllShown(client)) return;
    this.#isShowingAll = true;
    const end = (): void => {
      if (this.#client === client) this.#isShowingAll = false;
    };
    this.#quietly(showAllOf(client, (id) => this.room(id)).finally(end), () => {});
  }

  /** Connected, with nothing under way, waiting or missing, as far as the device itself can know. */
  get isSettled(): boolean {
    const client = this.#client;
    if (client === undefined || client.connection.getSnapshot().kind !== "open" || this.openRequests() > 0) return false;
    return this.#isAllShown(client);
  }

  #isAllShown(client: SudaClient): boolean {
    const { conversations, hasMore } = client.conversations.getSnapshot();
    return !hasMore && conversations.every(({ id }) => this.#rooms.has(id) && isWhole(client.conversation(id)));
  }

  /** What comes into the list is opened when it comes. */
  #openAll(client: SudaClient): void {
    const met = new Set<ConversationId>();
    client.conversations.subscribe(() => {
      if (this.#client !== client) return;
      for (const id of this.known) {
        if (!met.has(id)) this.room(id);
        met.add(id);
      }
    });
  }

  /** What a dead client goes on to tell, of a page that came in the turn in which it died, nobody hears. */
  #follow(client: SudaClient, isAlive: () => boolean): void {
    client.on("event", (event) => isAlive() && this.#onEvent(event));
    const anew = ({ conversation, type }: { conversation: ConversationId; type: string }): void => {
      if (isAlive()) this.streamProblems.push({ kind: "stream.reset", message: `${this.name} was told ${type} of ${conversation}, whose log is whole` });
    };
    client.on("log.reset", anew);
    client.on("log.truncated", anew);
  }

  /** [D5] as whoever listens sees it. */
  #onEvent({ conversation, seq }: LogEvent): void {
    const last = this.streamed.get(conversation);
    if (last !== undefined && seq <= last)
      this.streamProblems.push({ kind: "stream.twice", message: `${this.name} was told seq ${seq} of ${conversation} after ${last}` });
    if (last !== undefined && seq > last + 1)
      this.streamProblems.push({ kind: "stream.hole", message: `${this.name} was told seq ${seq} of ${conversation} after ${last}` });
    this.streamed.set(conversation, seq);
  }

  #await(written: Written, { stored }: Sending): void {
    stored.then(
      ({ seq }) => (written.storedSeq = seq),
      (error: unknown) => (written.isRefused = error instanceof RequestRefused),
    );
  }

  #quietly(action: Promise<unknown>, onLost: () => void): void {
    action.catch((error: unknown) => {
      if (error instanceof ConnectionLost) onLost();
      else if (!(error instanceof RequestRefused)) this.#options.onProblem(error);
    });
  }
}

/** Every conversation from its first entry on. @throws ConnectionLost, RequestRefused */
export async function showAllOf(client: SudaClient, open: (id: ConversationId) => ClientConversation | undefined): Promise<void> {
  while (client.conversations.getSnapshot().hasMore) await client.conversations.loadMore();
  const rooms = client.conversations.getSnapshot().conversations.map(({ id }) => open(id));
  await Promise.all(
    rooms.map(async (room) => {
      await room?.load();
      while (room?.getSnapshot().hasOlder === true) await room.loadOlder();
    }),
  );
}

function isWhole(room: ClientConversation): boolean {
  const { status, hasOlder, record, events, messages } = room.getSnapshot();
  if (status !== "ready" || hasOlder || (events.at(-1)?.seq ?? 0) !== record?.head) return false;
  return messages.every(({ state }) => state !== "sending");
}
