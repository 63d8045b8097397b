/** What the channel layer suite's tests share: opening, channels that write down what they got, and waiting for it. */
import assert from "node:assert/strict";
import type { Channel, ChannelLayer, LayerEvent } from "@suda/server/channel-layer";
import { Arrivals, defaultTimeoutMs } from "../waiting.ts";

export interface OpenChannelLayerOptions {
  /** Must get what receivers throw (L8). */
  readonly onFailure: (error: unknown) => void;
}

export interface OpenedChannelLayer {
  readonly layer: ChannelLayer;
  /** For layers of several nodes: another node of the same system; without it those rules are skipped. */
  openAnother?(): Promise<ChannelLayer>;
  /** Runs after all layers of the test were disposed. */
  cleanup?(): Promise<void>;
}

export type OpenChannelLayer = (options: OpenChannelLayerOptions) => Promise<OpenedChannelLayer>;

/** An event with a number in it; the suite's own kind of event. */
export interface Numbered extends LayerEvent {
  readonly type: "test.numbered";
  readonly number: number;
}

export const numbered = (number: number): Numbered => ({ type: "test.numbered", number });

/** A channel that writes down what it receives. While it is held it is busy with its first event. */
export class Listener {
  readonly channel: Channel;
  /** In the order of arrival. */
  readonly events: LayerEvent[] = [];
  readonly #arrivals = new Arrivals<LayerEvent>((event) => JSON.stringify(event));
  #hold: Promise<void> | undefined;
  #release: () => void = () => {};

  constructor(layer: ChannelLayer, onEvent: (event: LayerEvent) => void | Promise<void> = () => {}) {
    this.channel = layer.open((event) => {
      this.events.push(event);
      this.#arrivals.push(event);
      const going = onEvent(event);
      return this.#hold === undefined ? going : this.#hold.then(() => going);
    });
  }

  /** The receiver's promise stays pending until {@link release}. */
  hold(): void {
    this.#hold = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#hold = undefined;
    this.#release();
  }

  /** Waits for the event with this number. */
  async until(number: number): Promise<void> {
    await this.#arrivals.take(`event ${number}`, (event) => (event as Partial<Numbered>).number === number, defaultTimeoutMs);
  }

  /** Waits for the next event of a type. */
  async untilType(type: string): Promise<LayerEvent> {
    return this.#arrivals.take(`an event ${type}`, (event) => event.type === type, defaultTimeoutMs);
  }

  get numbers(): number[] {
    return this.events.flatMap((event) => (event as Partial<Numbered>).number ?? []);
  }
}

/** One test's layer, disposed with it. */
export class World implements AsyncDisposable {
  readonly layer: ChannelLayer;
  readonly failures: unknown[];
  readonly #opened: OpenedChannelLayer;
  readonly #others: ChannelLayer[] = [];

  private constructor(opened: OpenedChannelLayer, failures: unknown[]) {
    this.#opened = opened;
    this.layer = opened.layer;
    this.failures = failures;
  }

  static async open(open: OpenChannelLayer): Promise<World> {
    const failures: unknown[] = [];
    return new World(await open({ onFailure: (error) => failures.push(error) }), failures);
  }

  get hasNodes(): boolean {
    return this.#opened.openAnother !== undefined;
  }

  async another(): Promise<ChannelLayer> {
    assert.ok(this.#opened.openAnother !== undefined, "this driver has one node");
    const layer = await this.#opened.openAnother();
    this.#others.push(layer);
    return layer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const layer of [this.layer, ...this.#others]) await layer[Symbol.asyncDispose]();
    await this.#opened.cleanup?.();
  }
}
