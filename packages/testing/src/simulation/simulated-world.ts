/**
 * A whole system in one process and on one virtual clock: the real server app, devices with the real `@suda/client`, a
 * network that breaks, a server and devices that die. Everything that chance decides comes from one seed, so the same seed is the same run.
 *
 * @example
 * await using world = await SimulatedWorld.open({ seed: 7 });
 * await world.run(200);
 * await world.settle();
 * await world.checkConverged();
 */
import { openClient, type SudaClient, type Transport } from "@suda/client";
import type { ConversationId } from "@suda/protocol";
import type { Store } from "@suda/server/store";
import { SeededRandom } from "../seeded-random.ts";
import { act } from "./actions.ts";
import { checkWorld, type Disagreement } from "./check-world.ts";
import { faultNames, layerFaultNames, strike, type FaultName } from "./faults.ts";
import { SimulatedDevice, type ClientWrappers } from "./simulated-device.ts";
import { SimulatedNodes } from "./simulated-nodes.ts";
import type { ServerWrappers } from "./simulated-server.ts";
import type { SimulatedConnection } from "./simulated-connection.ts";
import { VirtualTime } from "./virtual-time.ts";
import { WireTap, type Frame, type TappedConnection } from "./wire-tap.ts";

export interface SimulatedWorldOptions {
  /** Everything follows from it. */
  readonly seed: number;
  /** Default 5. */
  readonly users?: number;
  /** Of each user; default 2. */
  readonly devices?: number;
  /** That share the disk and have a layer between them; default 1. */
  readonly nodes?: number;
  /** What may happen beside the users' actions; default all of {@link faultNames}, with several nodes also {@link layerFaultNames}; none for a quiet world. */
  readonly faults?: readonly FaultName[];
  /** Chance of a fault before each action, 0–1; default 0.08. */
  readonly faultRate?: number;
  /** Wrappers of what the server is given. */
  readonly server?: ServerWrappers;
  /** Wrappers of what each device has; made anew when it restarts. */
  readonly client?: ClientWrappers;
  /** Is told everything that happens, a line each: virtual milliseconds, who, and a frame or a fault. For finding a cause. */
  readonly trace?: (line: string) => void;
  /** Changes what goes over the wire, or leaves it out with `undefined`: for planting bugs. */
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
    super(`The simulated world with seed ${seed} did not converge; the same seed shows it again.\n${linesOf(disagreements).join("\n")}`);
    this.seed = seed;
    this.disagreements = disagreements;
  }
}

const examplesOfAKind = 3;

/** The first few of each kind, so that a common one does not hide the others. */
function linesOf(disagreements: readonly Disagreement[]): readonly string[] {
  const kinds = [...new Set(disagreements.map(({ kind }) => kind))];
  return kinds.flatMap((wanted) => {
    const ofKind = disagreements.filter(({ kind }) => kind === wanted);
    const more = ofKind.length > examplesOfAKind ? [`  ${wanted}: and ${ofKind.length - examplesOfAKind} more`] : [];
    return [...ofKind.slice(0, examplesOfAKind).map(({ kind, message }) => `  ${kind}: ${message}`), ...more];
  });
}

/** Something that nobody was told of. */
export interface Failure {
  readonly who: "server" | "client";
  readonly failure: unknown;
}

/** Small, so that they are met. */
const bounds = { outboxMaxBytes: 3_000, outboxMaxFrames: 24, outboxMaxAgeMs: 10_000 };
const openMs = 1_000;
const actionGapMaxMs = 120;
/** Now and then: so that devices that lost their connection come back within the run. */
const pauseMaxMs = 1_500;
const settleStepMs = 1_000;
const settleMaxMs = 600_000;
/** So long everybody must be at rest: longer than a client waits before it tries something again. */
const restMs = 3_000;
/** So long nobody's lease may end by itself: the check takes less. */
const leaseRestMs = 90_000;

export class SimulatedWorld implements AsyncDisposable {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly time: VirtualTime;
  readonly nodes: SimulatedNodes;
  readonly tap: WireTap = new WireTap();
  readonly devices: SimulatedDevice[] = [];
  readonly users: readonly string[];
  /** Every conversation that a device has ever shown, for guessing at. */
  readonly knownConversations: Set<ConversationId> = new Set();
  /** What the server threw, and what clients reported as a problem. */
  readonly failures: Failure[] = [];
  readonly #options: SimulatedWorldOptions;

  private constructor(options: SimulatedWorldOptions) {
    this.#options = options;
    this.seed = options.seed;
    this.random = new SeededRandom(options.seed);
    this.time = new VirtualTime(() => this.nodes.flush());
    this.nodes = new SimulatedNodes({
      count: options.nodes ?? 1,
      time: this.time,
      random: this.random.fork(),
      bounds,
      wrappers: options.server ?? {},
      onFailure: (failure) => this.failures.push({ who: "server", failure }),
    });
    this.users = Array.from({ length: options.users ?? 5 }, (_, index) => `user-${index + 1}`);
  }

  /** The server runs, every device is connected, and there is a group of all. */
  static async open(options: SimulatedWorldOptions): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(options);
    world.nodes.start();
    for (const user of world.users) for (let index = 1; index <= (options.devices ?? 2); index++) world.#addDevice(user, index);
    await world.time.advance(openMs);
    // So that there is something to talk in from the beginning.
    world.devices[0]?.attempt((client) => client.createGroup({ title: "everybody", members: world.users.slice(1) }));
    await world.time.advance(openMs);
    const [conversation] = world.devices[0]?.known ?? [];
    for (const user of world.users.slice(1, 3)) world.devices[0]?.ask({ type: "member.update", conversation, user, role: "admin" });
    await world.time.advance(openMs);
    return world;
  }

  /** The disk, as a server reads it. */
  get store(): Store {
    return this.#options.server?.store?.(this.nodes.disk) ?? this.nodes.disk;
  }

  /** So many actions of random devices, and faults between them. */
  async run(actions: number): Promise<void> {
    const faults = this.#options.faults ?? (this.nodes.bus === undefined ? faultNames : [...faultNames, ...layerFaultNames]);
    for (let count = 0; count < actions; count++) {
      if (faults.length > 0 && this.random.isTrue(this.#options.faultRate ?? 0.08)) this.#strike(this.random.pick(faults));
      act(this, this.random.pick(this.devices));
      await this.time.advance(this.random.integer(0, this.random.isTrue(0.2) ? pauseMaxMs : actionGapMaxMs));
    }
  }

  /**
   * Heals everything and waits, in virtual time, until nothing is under way.
   * @throws WorldDiverged when that does not come within ten virtual minutes
   */
  async settle(): Promise<void> {
    this.nodes.start();
    if (this.nodes.bus !== undefined) {
      this.nodes.bus.loses = () => false;
      this.nodes.bus.heal();
    }
    for (const device of this.devices) {
      device.isOnline = true;
      device.connection?.resume();
      device.start();
    }
    const end = this.time.now + settleMaxMs;
    // Half-open connections are known to be dead after a minute.
    await this.time.advance(60_000);
    for (let restedMs = 0; restedMs < restMs; restedMs += settleStepMs) {
      for (const device of this.devices) device.showAll();
      await this.time.advance(settleStepMs);
      const restless = this.devices.filter(({ isSettled }) => !isSettled);
      if (restless.length > 0 || (await this.nodes.endsLeaseWithin(leaseRestMs))) restedMs = -settleStepMs;
      if (restless.length > 0 && this.time.now > end)
        throw new WorldDiverged(this.seed, [{ kind: "device.unsettled", message: `${restless.map(({ name }) => name).join(", ")} never came to rest` }]);
    }
  }

  /** @throws WorldDiverged with what disagrees and the seed */
  async checkConverged(): Promise<void> {
    const disagreements = await checkWorld(this);
    if (disagreements.length > 0) throw new WorldDiverged(this.seed, disagreements);
  }

  /**
   * A client of one of the users on one more device, with a good network and no fault of its own: for a team's own code, or
   * to see what somebody sees who was never here.
   */
  async openClient(user: string): Promise<SudaClient> {
    const device = { user, name: `${user} afresh`, delayMs: 1, isOnline: true, connection: undefined, openRequests: () => 0 };
    return openClient({
      url: "wss://suda.example/v1/socket",
      tokenProvider: () => "the network authenticates",
      transport: (_url, handlers) => this.#connect(device, handlers),
      clock: this.time.clock({ wallMs: () => 0 }),
      random: this.random.fork(),
      onProblem: (failure) => this.failures.push({ who: "client", failure }),
    });
  }

  /** The processes end; nothing is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.devices) device.kill(0);
    this.nodes.crash();
  }

  #strike(fault: FaultName): void {
    const struck = strike(this, fault);
    this.#trace(struck, fault);
  }

  #trace(who: string, what: string): void {
    this.#options.trace?.(`${this.time.now} ${who} ${what}`);
  }

  #addDevice(user: string, index: number): void {
    const device = new SimulatedDevice({
      user,
      name: `${user}.${index}`,
      time: this.time,
      random: this.random.fork(),
      skewMs: this.random.integer(0, 2_000_000_000_000),
      delayMs: this.random.pick([1, 3, 10, 40]),
      isFollower: index % 2 === 0,
      wrappers: this.#options.client ?? {},
      connect: (own, _url, handlers) => this.#connect(own, handlers),
      onProblem: (failure) => this.failures.push({ who: "client", failure }),
    });
    this.devices.push(device);
    device.start();
  }

  #connect(device: Connectable, inner: Parameters<Transport>[1]): ReturnType<Transport> {
    const tapped: TappedConnection = this.tap.listen(device.user, inner);
    const { handlers, sent, ended } = tapped;
    device.openRequests = tapped.openRequests;
    this.#trace(device.name, "connects");
    if (!device.isOnline) {
      this.time.schedule(device.delayMs, () => handlers.onClose(1006, ""));
      return { send: () => {}, close: () => {} };
    }
    const { tamper = (text: string) => text } = this.#options;
    const connection = this.nodes.connect(device.user, {
      client: {
        ...handlers,
        onMessage: (text) => {
          this.#trace(device.name, `< ${text}`);
          const told = tamper(text, "to client");
          if (told !== undefined) handlers.onMessage(told);
        },
      },
      delayMs: device.delayMs,
      onClientClosed: (closed) => {
        this.#trace(device.name, "is disconnected");
        if (device.connection === closed) device.connection = undefined;
      },
    });
    device.connection = connection;
    return {
      send: (text) => {
        this.#trace(device.name, `> ${text}`);
        sent(text);
        const given = tamper(withoutToken(text), "to server");
        if (given !== undefined) connection.clientSend(given);
      },
      close: (code) => {
        ended();
        connection.clientClose(code);
      },
    };
  }
}

/** What a connection is made for. */
interface Connectable {
  readonly user: string;
  readonly name: string;
  readonly delayMs: number;
  readonly isOnline: boolean;
  connection: SimulatedConnection | undefined;
  openRequests: () => number;
}

/** The network has told the server who it is, as a proxy would: checking a token takes real time. */
function withoutToken(text: string): string {
  if (!text.includes('"token":')) return text;
  const { token: _token, ...rest } = JSON.parse(text) as Frame;
  return JSON.stringify(rest);
}
