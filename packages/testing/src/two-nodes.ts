/** Two servers on one store with a layer between them that loses what a test wants lost, and one clock. */
import { MemoryStore } from "@suda/server/store";
import { ManualClock } from "./manual-clock.ts";
import { NodeBus } from "./node-bus.ts";
import { TestServer } from "./test-server.ts";

export class TwoNodes implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly bus: NodeBus = new NodeBus();
  readonly #servers: TestServer[] = [];

  static async open(): Promise<TwoNodes> {
    const world = new TwoNodes();
    const store = new MemoryStore({ clock: world.clock });
    for (let node = 0; node < 2; node++)
      world.#servers.push(await TestServer.open({ store, clock: world.clock, layer: world.bus.node(), limits: { commands: { perSecond: 0, burst: 1 } } }));
    return world;
  }

  get here(): TestServer {
    return this.#servers[0] as TestServer;
  }

  get there(): TestServer {
    return this.#servers[1] as TestServer;
  }

  /** Time goes on, and what is done meanwhile is done. */
  async pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 10) {
      this.clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
  }
}
