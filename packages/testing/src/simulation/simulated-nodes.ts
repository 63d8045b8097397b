/**
 * The nodes of a simulated world, one by default: on one disk, with one wall clock, before them a balancer that gives a new connection
 * to any node that runs, and between them a layer that loses and delays.
 */
import type { ChannelLayer } from "@suda/server/channel-layer";
import { MemoryChannelLayer } from "@suda/server/channel-layer";
import { MemoryStore } from "@suda/server/store";
import { NodeBus } from "../node-bus.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { SimulatedConnection } from "./simulated-connection.ts";
import { SimulatedServer, type SimulatedServerOptions } from "./simulated-server.ts";

export interface SimulatedNodesOptions extends Omit<SimulatedServerOptions, "disk" | "openLayer" | "wallMs"> {
  /** 1… */
  readonly count: number;
}

/** A day in November 2023. */
const epochMs = 1_700_000_000_000;
/** From one node to another. */
const flightMaxMs = 5;

export class SimulatedNodes {
  /** What survives crashes. */
  readonly disk: MemoryStore;
  /** How far the machines' wall clock is off; may be changed at any time. */
  skewMs = 0;
  /** Absent for one node: there is nothing between nodes. */
  readonly bus: NodeBus | undefined;
  readonly #options: SimulatedNodesOptions;
  readonly #random: SeededRandom;
  readonly #nodes: readonly SimulatedServer[];

  constructor({ count, ...options }: SimulatedNodesOptions) {
    const { time, random, onFailure } = options;
    this.#options = { count, ...options };
    const wallMs = (): number => epochMs + this.skewMs;
    this.disk = new MemoryStore({ clock: time.clock({ wallMs }) });
    this.#random = random;
    this.bus = count === 1 ? undefined : new NodeBus({ onFailure, arrive: this.#flights() });
    const openLayer = (): ChannelLayer => this.bus?.node() ?? new MemoryChannelLayer({ onFailure });
    this.#nodes = Array.from(
      { length: count },
      () => new SimulatedServer({ ...options, random: count === 1 ? random : random.fork(), disk: this.disk, openLayer, wallMs }),
    );
  }

  /** One of them, by chance. */
  any(): SimulatedServer {
    return this.#pick(this.#nodes);
  }

  /** Those that do not run. */
  start(): void {
    for (const node of this.#nodes) node.start();
  }

  crash(): void {
    for (const node of this.#nodes) node.crash();
  }

  /** What this turn brought leaves. */
  flush(): void {
    for (const node of this.#nodes) node.flush();
  }

  /** A connection of the user, to a node that runs if there is one. */
  connect(...args: Parameters<SimulatedServer["connect"]>): SimulatedConnection {
    const running = this.#nodes.filter(({ isRunning }) => isRunning);
    return this.#pick(running.length === 0 ? this.#nodes : running).connect(...args);
  }

  /** Whether a human who is in charge somewhere will fall out of it by then. */
  async endsLeaseWithin(ms: number): Promise<boolean> {
    const { conversations } = this.disk;
    const end = this.#wallMs() + ms;
    for (const { id } of await conversations.withControl("human", undefined, 1_000)) {
      const control = (await conversations.get(id))?.control;
      if (control?.leaseUntil !== undefined && control.leaseUntil <= end) return true;
    }
    return false;
  }

  #wallMs(): number {
    return epochMs + this.skewMs + this.#options.time.now;
  }

  /** Chance decides nothing where there is no choice: a world of one node needs none for this. */
  #pick(nodes: readonly SimulatedServer[]): SimulatedServer {
    return nodes.length === 1 ? (nodes[0] as SimulatedServer) : this.#random.pick(nodes);
  }

  /** Each node's events arrive in their order, and between those of two nodes there is none. */
  #flights(): (deliver: () => void, from: ChannelLayer) => void {
    const { time } = this.#options;
    const lastAt = new WeakMap<ChannelLayer, number>();
    return (deliver, from) => {
      const at = Math.max(lastAt.get(from) ?? 0, time.now + this.#random.integer(0, flightMaxMs));
      lastAt.set(from, at);
      time.schedule(at - time.now, deliver);
    };
  }
}
