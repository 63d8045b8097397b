/**
 * A whole system in one process and on one virtual clock: the real server app, the users' devices, a network that
 * breaks, a server that dies. Everything that chance decides comes from one seed, so the same seed is the same run.
 *
 * @example
 * await using world = await SimulatedWorld.open({ seed: 7 });
 * await world.run(200);
 * await world.settle();
 * await world.checkConverged();
 */
import type { ConversationId } from "@suda/protocol";
import type { Store } from "@suda/server/store";
import { SeededRandom } from "../seeded-random.ts";
import { act } from "./actions.ts";
import { checkWorld, type Disagreement } from "./check-world.ts";
import { faultNames, strike, type FaultName } from "./faults.ts";
import { ReferenceClient, type ClientEnvironment, type OpenSimulatedClient, type SimulatedClient } from "./reference-client.ts";
import type { SimulatedConnection } from "./simulated-connection.ts";
import { SimulatedServer, type ServerWrappers } from "./simulated-server.ts";
import { VirtualTime } from "./virtual-time.ts";
import { WireTap } from "./wire-tap.ts";

export interface SimulatedWorldOptions {
  /** Everything follows from it. */
  readonly seed: number;
  /** Default 5. */
  readonly users?: number;
  /** Of each user; default 2. */
  readonly devices?: number;
  /** What may happen beside the users' actions; default all of {@link faultNames}, none for a quiet world. */
  readonly faults?: readonly FaultName[];
  /** Chance of a fault before each action, 0–1; default 0.08. */
  readonly faultRate?: number;
  /** Default: {@link ReferenceClient}. */
  readonly openClient?: OpenSimulatedClient;
  /** Wrappers of what the server is given. */
  readonly server?: ServerWrappers;
  /** Changes what the server tells a client, or leaves it out with `undefined`: for planting bugs. */
  readonly tamper?: (text: string, direction: "to client" | "to server") => string | undefined;
}

/**
 * One whole run: opened, so many actions, settled, checked.
 * @param actions default 200
 * @throws WorldDiverged
 */
export async function simulate({ actions = 200, ...options }: SimulatedWorldOptions & { readonly actions?: number }): Promise<SimulatedWorld> {
  const world = await SimulatedWorld.open(options);
  try {
    await world.run(actions);
    await world.settle();
    await world.checkConverged();
  } finally {
    await world[Symbol.asyncDispose]();
  }
  return world;
}

/** Something that must not be so, with the seed that shows it again. */
export class WorldDiverged extends Error {
  override readonly name = "WorldDiverged";
  readonly seed: number;
  readonly disagreements: readonly Disagreement[];

  constructor(seed: number, disagreements: readonly Disagreement[]) {
    const lines = disagreements.slice(0, 8).map(({ kind, message }) => `  ${kind}: ${message}`);
    super(`The simulated world with seed ${seed} did not converge; the same seed shows it again.\n${lines.join("\n")}`);
    this.seed = seed;
    this.disagreements = disagreements;
  }
}

export interface Device {
  readonly user: string;
  readonly name: string;
  readonly client: SimulatedClient;
  /** Least delay of its network, ms; drawn once. */
  readonly delayMs: number;
  connection: SimulatedConnection | undefined;
  isOnline: boolean;
}

/** Small, so that they are met. */
const bounds = { outboxMaxBytes: 6_000, outboxMaxFrames: 48, outboxMaxAgeMs: 10_000 };
const actionGapMaxMs = 120;
const settleStepMs = 1_000;
const settleMaxMs = 600_000;

export class SimulatedWorld implements AsyncDisposable {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly time: VirtualTime;
  readonly server: SimulatedServer;
  readonly tap: WireTap = new WireTap();
  readonly devices: Device[] = [];
  readonly users: readonly string[];
  /** Every conversation that a device has ever shown, for guessing at. */
  readonly knownConversations: Set<ConversationId> = new Set();
  /** What the server threw, and clients. */
  readonly failures: unknown[] = [];
  readonly #options: SimulatedWorldOptions;

  private constructor(options: SimulatedWorldOptions) {
    this.#options = options;
    this.seed = options.seed;
    this.random = new SeededRandom(options.seed);
    this.time = new VirtualTime(() => this.server.flush());
    this.server = new SimulatedServer({
      time: this.time,
      random: this.random.fork(),
      bounds,
      wrappers: options.server ?? {},
      onFailure: (error) => this.failures.push(error),
    });
    this.users = Array.from({ length: options.users ?? 5 }, (_, index) => `user-${index + 1}`);
  }

  /** The server runs, every device is connected, and there is a group of all. */
  static async open(options: SimulatedWorldOptions): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(options);
    world.server.start();
    for (const user of world.users) for (let index = 1; index <= (options.devices ?? 2); index++) world.#addDevice(user, `${user}.${index}`);
    await world.time.advance(1_000);
    // So that there is something to talk in from the beginning.
    world.devices[0]?.client.ask({ type: "conversation.create", title: "everybody", members: world.users });
    await world.time.advance(1_000);
    return world;
  }

  /** The disk, as a server reads it. */
  get store(): Store {
    return this.#options.server?.store?.(this.server.disk) ?? this.server.disk;
  }

  /** So many actions of random devices, and faults between them. */
  async run(actions: number): Promise<void> {
    const faults = this.#options.faults ?? faultNames;
    for (let count = 0; count < actions; count++) {
      if (faults.length > 0 && this.random.isTrue(this.#options.faultRate ?? 0.08)) strike(this, this.random.pick(faults));
      act(this, this.random.pick(this.devices));
      await this.time.advance(this.random.integer(0, actionGapMaxMs));
    }
  }

  /**
   * Heals everything and waits, in virtual time, until nothing is under way.
   * @throws WorldDiverged when that does not come within ten virtual minutes
   */
  async settle(): Promise<void> {
    this.server.start();
    for (const device of this.devices) {
      device.isOnline = true;
      device.connection?.resume();
    }
    const end = this.time.now + settleMaxMs;
    // Half-open connections are known to be dead after a minute.
    await this.time.advance(60_000);
    while (this.devices.some(({ client }) => !client.isSettled)) {
      if (this.time.now > end) {
        const names = this.devices.filter(({ client }) => !client.isSettled).map(({ name }) => name);
        throw new WorldDiverged(this.seed, [{ kind: "device.unsettled", message: `${names.join(", ")} never came to rest` }]);
      }
      await this.time.advance(settleStepMs);
    }
    await this.time.advance(settleStepMs);
  }

  /** @throws WorldDiverged with what disagrees and the seed */
  async checkConverged(): Promise<void> {
    const disagreements = await checkWorld(this);
    if (disagreements.length > 0) throw new WorldDiverged(this.seed, disagreements);
  }

  /** The process ends; nothing is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.crash();
  }

  #addDevice(user: string, name: string): void {
    let clientIds = 0;
    const delayMs = this.random.pick([1, 3, 10, 40]);
    const environment: ClientEnvironment = {
      user,
      // A device's clock may be off by days; nothing may depend on it.
      clock: this.time.clock({
        wallMs: (
          (skewMs) => () =>
            skewMs
        )(this.random.integer(0, 2_000_000_000_000)),
      }),
      random: this.random.fork(),
      newClientId: () => `${name}-${++clientIds}`,
      transport: (_url, handlers) => this.#connect(device, handlers),
    };
    const device = { user, name, delayMs, connection: undefined, isOnline: true } as unknown as { -readonly [K in keyof Device]: Device[K] };
    device.client = (this.#options.openClient ?? ((given) => new ReferenceClient(given)))(environment);
    this.devices.push(device);
  }

  #connect(device: Device, inner: Parameters<ClientEnvironment["transport"]>[1]): ReturnType<ClientEnvironment["transport"]> {
    const { handlers, sent, ended } = this.tap.listen(device.user, inner);
    if (!device.isOnline) {
      this.time.schedule(device.delayMs, () => handlers.onClose(1006, ""));
      return { send: () => {}, close: () => {} };
    }
    const { tamper = (text: string) => text } = this.#options;
    const connection = this.server.connect(device.user, {
      client: {
        ...handlers,
        onMessage: (text) => {
          const told = tamper(text, "to client");
          if (told !== undefined) handlers.onMessage(told);
        },
      },
      delayMs: device.delayMs,
      onClientClosed: (closed) => {
        if (device.connection === closed) device.connection = undefined;
      },
    });
    device.connection = connection;
    return {
      send: (text) => {
        sent(text);
        const given = tamper(text, "to server");
        if (given !== undefined) connection.clientSend(given);
      },
      close: (code) => {
        ended();
        connection.clientClose(code);
      },
    };
  }
}
