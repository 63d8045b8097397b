/** One device of a user: the real `@suda/client` as a product would open it, with everything that its user does and sees noted in a journal. */
import { MemoryOutbox, openClient, RequestRefused, type ClientConversation, type ConnectionState, type Outbox, type SudaClient } from "@suda/client";
import type { ServerFrame } from "@suda/protocol";
import type { HistoryRecord } from "@suda/testing";
import { bodyOf, entryOf, type Journal } from "./journal.ts";
import { forgetfulOutbox, renameRetries, type ClientBug } from "./planted-clients.ts";
import { tappedWebSocket } from "./tapped-socket.ts";

export interface DeviceOptions {
  /** Stays over restarts of the device. */
  readonly name: string;
  readonly user: string;
  /** ws://…/v1/socket */
  readonly url: string;
  readonly token: string;
  readonly rooms: readonly string[];
  /**
   * Whether the user has all rooms open and listens to everything. If not, as a program that only sends, the client does
   * not see in the log what it has sent, and tries again what had no answer.
   */
  readonly isFollowing: boolean;
  readonly journal: Journal;
  /** Default in memory. */
  readonly outbox?: Outbox;
  /** Counts the clients that the device has had. */
  readonly life?: number;
  readonly onFrame?: (frame: ServerFrame) => void;
  readonly bug?: ClientBug | undefined;
  /** What the client reports as a fault of its own; there should be none. */
  readonly onProblem: (problem: unknown) => void;
}

export class Device implements AsyncDisposable {
  readonly name: string;
  readonly user: string;
  readonly client: SudaClient;
  readonly rooms: readonly ClientConversation[];
  readonly isFollowing: boolean;
  /** Times at which the connection was lost, with the close code and reason, and at which it was there again. */
  readonly gaps: { readonly lostAtMs: number; readonly why: string; backAtMs: number | undefined }[] = [];
  readonly #journal: Journal;
  #isOpen = false;
  #waiting = 0;

  private constructor(client: SudaClient, { name, user, rooms, isFollowing, journal, life = 0 }: DeviceOptions) {
    this.client = client;
    this.name = name;
    this.user = user;
    this.isFollowing = isFollowing;
    this.#journal = journal;
    this.rooms = rooms.map((id) => client.conversation(id));
    if (isFollowing) this.#follow(life);
    client.connection.subscribe(() => this.#onConnection());
    this.#onConnection();
  }

  static async open(options: DeviceOptions): Promise<Device> {
    const { name, user, url, token, journal, outbox = new MemoryOutbox(), onFrame, onProblem, bug } = options;
    const WebSocket = tappedWebSocket({
      device: name,
      user,
      note: (record: HistoryRecord) => journal.note({ step: "wire", record }),
      ...(onFrame === undefined ? {} : { onFrame }),
      ...(bug === "new-client-id" ? { rename: renameRetries() } : {}),
    });
    const kept = notedOutbox(bug === "forgetful-outbox" ? forgetfulOutbox(outbox) : outbox, name, journal);
    const client = await openClient({ url, tokenProvider: () => token, WebSocket, outbox: kept, onProblem });
    return new Device(client, options);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Writings of this life that were neither stored nor refused yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The user writes. What comes of it is in the journal. */
  write(room: ClientConversation, text: string): void {
    const { name: device, user } = this;
    const { clientId, stored } = room.sendText(text);
    // Before the outbox has it, and so before it can be on the wire.
    this.#journal.note({ step: "wrote", device, user, conversation: room.id, clientId, body: bodyOf({ type: "text", text }) });
    this.#waiting++;
    stored
      .then(
        ({ seq }) => this.#journal.note({ step: "stored", device, clientId, seq }),
        (error: unknown) => {
          if (error instanceof RequestRefused) this.#journal.note({ step: "refused", device, clientId, code: error.code });
        },
      )
      .finally(() => this.#waiting--);
  }

  /** Nothing is on its way out of any room, of earlier lives either. */
  get isSent(): boolean {
    return this.rooms.every((room) => room.getSnapshot().messages.every(({ state }) => state !== "sending"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  #follow(life: number): void {
    const { client, name, rooms } = this;
    client.on("event", (event) => this.#journal.note({ step: "shown", device: name, life, conversation: event.conversation, entry: entryOf(event) }));
    for (const room of rooms) room.subscribe(() => {});
  }

  #onConnection(): void {
    const { gaps } = this;
    const state = this.client.connection.getSnapshot();
    const isOpen = state.kind === "open";
    if (this.#isOpen && !isOpen) gaps.push({ lostAtMs: performance.now(), why: describeState(state), backAtMs: undefined });
    const last = gaps.at(-1);
    if (!this.#isOpen && isOpen && last !== undefined) last.backAtMs = performance.now();
    this.#isOpen = isOpen;
  }
}

/** How a connection stands, with the close code and reason where there is one. */
export function describeState(state: ConnectionState): string {
  return "code" in state ? `${state.kind}, ${state.code} ${state.reason}` : state.kind;
}

/** Notes what the outbox has promised to keep: a message that it lost without that is nobody's fault. */
function notedOutbox(outbox: Outbox, device: string, journal: Journal): Outbox {
  return {
    load: () => outbox.load(),
    remove: (clientId) => outbox.remove(clientId),
    async put(entry) {
      await outbox.put(entry);
      journal.note({ step: "kept", device, clientId: entry.clientId });
    },
  };
}
