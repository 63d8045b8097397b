/**
 * Channel layers of several nodes in one process, with something between them that loses what a test wants lost: as Redis
 * between nodes, without a Redis. An event is copied on its way, as it would be by any wire.
 *
 * @example
 * const bus = new NodeBus();
 * await using here = await TestServer.open({ store, layer: bus.node() });
 * await using there = await TestServer.open({ store, layer: bus.node() });
 * bus.cut();
 */
import {
  checkGroupName,
  MemoryChannelLayer,
  type Channel,
  type ChannelLayer,
  type ChannelLayerLink,
  type ChannelLayerStats,
  type LayerEvent,
  type Receive,
} from "@suda/server/channel-layer";

export interface NodeBusOptions {
  /** Whether an event for other nodes is lost on its way; default: none is. */
  readonly loses?: (event: LayerEvent, group: string) => boolean;
  /** Calls back when an event has arrived, in the order of the calls for each node that sends; default: in the same moment. */
  readonly arrive?: (deliver: () => void, from: ChannelLayer) => void;
  readonly onFailure?: (error: unknown) => void;
}

export class NodeBus {
  /** May be set anew at any time. */
  loses: (event: LayerEvent, group: string) => boolean;
  readonly #onFailure: (error: unknown) => void;
  readonly #arrive: (deliver: () => void, from: ChannelLayer) => void;
  readonly #nodes = new Set<BusChannelLayer>();
  #opened = 0;
  #isCut = false;

  constructor({ loses = () => false, arrive = (deliver) => deliver(), onFailure = () => {} }: NodeBusOptions = {}) {
    this.loses = loses;
    this.#arrive = arrive;
    this.#onFailure = onFailure;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** A further node's layer. */
  node(): ChannelLayer {
    const local = new MemoryChannelLayer({ node: `node-${++this.#opened}`, onFailure: this.#onFailure });
    const node = new BusChannelLayer(local, this);
    this.#nodes.add(node);
    return node;
  }

  /** From now on nothing passes, and every node knows it. */
  cut(): void {
    this.#isCut = true;
  }

  /** It passes again, and every node is told. */
  heal(): void {
    this.#isCut = false;
    for (const node of this.#nodes) node.restored();
  }

  hasChannel(channel: string): boolean {
    for (const { local } of this.#nodes) if (local.hasChannel(channel)) return true;
    return false;
  }

  /** To all nodes but the one that sends. @returns whether it went out */
  carry(from: BusChannelLayer, deliver: (to: MemoryChannelLayer, event: LayerEvent) => Promise<void>, event: LayerEvent, group = ""): boolean {
    if (this.#isCut) return false;
    if (this.loses(event, group)) return true;
    const copy = structuredClone(event);
    this.#arrive(() => {
      for (const node of this.#nodes) if (node !== from) void deliver(node.local, copy);
    }, from);
    return true;
  }

  /** The node is gone. */
  leave(node: BusChannelLayer): void {
    this.#nodes.delete(node);
  }
}

/** One node's layer, and its link to the others. */
class BusChannelLayer implements ChannelLayer, ChannelLayerLink {
  readonly local: MemoryChannelLayer;
  readonly link: ChannelLayerLink = this;
  readonly #bus: NodeBus;
  readonly #listeners: (() => void)[] = [];
  #lost = 0;

  constructor(local: MemoryChannelLayer, bus: NodeBus) {
    this.local = local;
    this.#bus = bus;
  }

  get isConnected(): boolean {
    return !this.#bus.isCut;
  }

  get lost(): number {
    return this.#lost;
  }

  onRestored(listener: () => void): void {
    this.#listeners.push(listener);
  }

  restored(): void {
    for (const listener of this.#listeners) listener();
  }

  open(receive: Receive): Channel {
    return this.local.open(receive);
  }

  async send(channel: string, event: LayerEvent): Promise<void> {
    // An unknown one is dropped, and counted, here.
    if (this.local.hasChannel(channel) || !this.#bus.hasChannel(channel)) return this.local.send(channel, event);
    this.#carry((to, copy) => (to.hasChannel(channel) ? to.send(channel, copy) : Promise.resolve()), event);
  }

  groupAdd(group: string, channel: Channel): Promise<void> {
    return this.local.groupAdd(group, channel);
  }

  groupDiscard(group: string, channel: Channel): Promise<void> {
    return this.local.groupDiscard(group, channel);
  }

  async groupSend(group: string, event: LayerEvent): Promise<void> {
    checkGroupName(group);
    void this.local.groupSend(group, event);
    this.#carry((to, copy) => to.groupSend(group, copy), event, group);
  }

  groupSendHere(group: string, event: LayerEvent): Promise<void> {
    return this.local.groupSend(group, event);
  }

  isGroupHere(group: string): boolean {
    return this.local.isGroupHere(group);
  }

  stats(): ChannelLayerStats {
    return this.local.stats();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#bus.leave(this);
    return this.local[Symbol.asyncDispose]();
  }

  #carry(deliver: (to: MemoryChannelLayer, event: LayerEvent) => Promise<void>, event: LayerEvent, group?: string): void {
    if (!this.#bus.carry(this, deliver, event, group)) this.#lost++;
  }
}
