/**
 * A process full of clients, for being killed: `client-host.ts`, with its {@link HostOptions} as the first message from its
 * parent. Every client is a real one with a file outbox; what its user does and sees goes into a journal file before
 * anything else happens, so that a kill -9 leaves the evidence. The parent says when to write, to stop and to be quiet.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openFileOutbox } from "@suda/client/node";
import { SeededRandom } from "@suda/testing";
import { Device } from "../faults/device.ts";
import { FileJournal } from "../faults/journal.ts";
import type { ClientBug } from "../faults/planted-clients.ts";
import { pickRoom, pickText, type Room } from "./world.ts";

export interface HostOptions {
  /** ws://…/v1/socket */
  readonly url: string;
  readonly directory: string;
  readonly journal: string;
  readonly users: readonly { readonly user: string; readonly token: string; readonly rooms: readonly Room[] }[];
  /** Counts the processes that had these users. */
  readonly life: number;
  readonly seed: number;
  readonly bug: ClientBug | undefined;
}

/** `load` writes until `stop`; `retry` is what a device does when it is online again; `settle` is answered when nothing is on its way. */
export type HostCommand = "load" | "stop" | "retry" | "settle";
export type HostReport = { readonly is: "ready" } | { readonly is: "settled" } | { readonly is: "problem"; readonly text: string };

/** Writings of one user without an answer; who gets none writes no more. */
const maxWaiting = 20;
/** A client is closed and opened again in the middle of its work, once in so many bursts. */
const reopenChance = 0.004;
/** A person presses enter; a loop would only measure the disk. */
const pauseMs = 10;

class Host {
  readonly #options: HostOptions;
  readonly #journal: FileJournal;
  readonly #random: SeededRandom;
  readonly #seats: Seat[] = [];
  #isLoading = false;
  #loads: readonly Promise<void>[] = [];

  constructor(options: HostOptions) {
    this.#options = options;
    this.#journal = new FileJournal(options.journal);
    this.#random = new SeededRandom(options.seed);
  }

  async open(): Promise<void> {
    const { users, directory, life } = this.#options;
    // A process is a hundred clients' lives long.
    for (const [index, { user }] of users.entries())
      this.#seats.push(new Seat({ open: (seat) => this.#openDevice(index, seat), path: join(directory, `${user}.outbox`), firstLife: life * 100 }));
    await Promise.all(this.#seats.map((seat) => seat.open()));
    report({ is: "ready" });
  }

  async on(command: HostCommand): Promise<void> {
    switch (command) {
      case "load":
        this.#isLoading = true;
        this.#loads = this.#seats.map((seat, index) => this.#load(seat, this.#options.users[index]?.rooms ?? []));
        return;
      case "stop":
        this.#isLoading = false;
        return;
      case "retry":
        for (const seat of this.#seats) seat.device.client.retryNow();
        return;
      case "settle":
        this.#isLoading = false;
        await Promise.all(this.#loads);
        while (!this.#seats.every(({ device }) => device.isOpen && device.isSent)) await sleep(10);
        report({ is: "settled" });
    }
  }

  #openDevice(index: number, { life, outbox }: Pick<Seat, "life" | "outbox">): Promise<Device> {
    const { url, users, bug } = this.#options;
    const { user, token, rooms } = users[index] as HostOptions["users"][number];
    const onProblem = (problem: unknown): void => report({ is: "problem", text: `${user} reports ${String(problem)}` });
    // Every second one is a program that only sends: it does not see in the log what it has sent, and tries again.
    const isFollowing = index % 2 === 0;
    return Device.open({ name: user, user, url, token, rooms: rooms.map(({ id }) => id), isFollowing, journal: this.#journal, outbox, life, bug, onProblem });
  }

  async #load(seat: Seat, rooms: readonly Room[]): Promise<void> {
    const random = this.#random.fork();
    while (this.#isLoading) {
      const room = pickRoom(rooms, random);
      const own = seat.device.client.conversation(room.id);
      // Three at once now and then, so that the order within a connection is tested too.
      for (let count = random.isTrue(0.3) ? 3 : 1; count > 0; count--) seat.device.write(own, `${seat.life}.${++seat.lastNumber} ${pickText(random)}`);
      await sleep(pauseMs);
      while (this.#isLoading && seat.device.waiting > maxWaiting) await sleep(pauseMs);
      if (random.isTrue(reopenChance)) await seat.reopen();
    }
  }
}

/** Where one client after the other sits, with one outbox file. */
class Seat {
  readonly #open: (seat: Seat) => Promise<Device>;
  readonly #path: string;
  life: number;
  /** No two writings are equal. */
  lastNumber = 0;
  device!: Device;
  outbox!: Awaited<ReturnType<typeof openFileOutbox>>;

  constructor({ open, path, firstLife }: { readonly open: (seat: Seat) => Promise<Device>; readonly path: string; readonly firstLife: number }) {
    this.#open = open;
    this.#path = path;
    this.life = firstLife;
  }

  async open(): Promise<void> {
    this.outbox = await openFileOutbox(this.#path);
    this.device = await this.#open(this);
  }

  /** As a program that is closed in order and started again. */
  async reopen(): Promise<void> {
    await this.device[Symbol.asyncDispose]();
    await this.outbox[Symbol.asyncDispose]();
    this.life++;
    await this.open();
  }
}

function report(what: HostReport): void {
  process.send?.(what);
}

let host: Host | undefined;
process.on("message", (message: HostOptions | HostCommand) => {
  const going = typeof message === "string" ? host?.on(message) : (host = new Host(message)).open();
  going?.catch((error: unknown) => report({ is: "problem", text: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit(0));
