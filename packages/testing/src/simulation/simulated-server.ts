/**
 * One node: the real server app, one process after the other on the same disk: started, killed between any two turns,
 * drained and started again. It is given a store that a crash can hit, a clock that may jump, and no socket.
 */
import type { UserId } from "@suda/protocol";
import { createServer, type SudaServer } from "@suda/server";
import type { WebSocketScope } from "@suda/server/app";
import type { ChannelLayer } from "@suda/server/channel-layer";
import type { MemoryStore, Store } from "@suda/server/store";
import type { SeededRandom } from "../seeded-random.ts";
import { CrashableStore } from "./crashable-store.ts";
import { SimulatedConnection, type ClientHandlers, type SimulatedBounds } from "./simulated-connection.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Put before the server's store and layer: for planting bugs, or a team's own wrappers. */
export interface ServerWrappers {
  readonly store?: (store: Store) => Store;
  readonly layer?: (layer: ChannelLayer) => ChannelLayer;
}

export interface SimulatedServerOptions {
  /** What survives a crash; other nodes may be on it, too. */
  readonly disk: MemoryStore;
  /** Of a process that starts. */
  readonly openLayer: () => ChannelLayer;
  /** Of all machines, epoch ms. */
  readonly wallMs: () => number;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly bounds: SimulatedBounds;
  readonly wrappers: ServerWrappers;
  readonly onFailure: (error: unknown) => void;
}

interface Process {
  readonly server: SudaServer;
  readonly layer: ChannelLayer;
  readonly store: CrashableStore;
  readonly connections: Set<SimulatedConnection>;
  isAlive: boolean;
}

const secret = new TextEncoder().encode("a secret of simulations, at least 32 bytes");
const tokenLifetimeMs = 864_000_000;
/** `suda serve`'s. */
const drainTimeoutMs = 10_000;

export class SimulatedServer {
  readonly #options: SimulatedServerOptions;
  #process: Process | undefined;
  /** Stops, and takes no new connections. */
  #draining: Process | undefined;
  #pending: SimulatedConnection[] = [];

  constructor(options: SimulatedServerOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** What was still stopping is gone then: two processes never hold one disk. */
  start(): void {
    if (this.#process !== undefined) return;
    if (this.#draining !== undefined) this.#end(this.#draining);
    const { disk, openLayer, time, random, wallMs, wrappers } = this.#options;
    const store = new CrashableStore({ disk, time, random: random.fork() });
    const layer = openLayer();
    const server = createServer({
      store: wrappers.store?.(store) ?? store,
      layer: wrappers.layer?.(layer) ?? layer,
      auth: { tokenKeys: [{ algorithms: ["HS256"], secret }] },
      limits: { commands: { perSecond: 0, burst: 1 }, connects: { perSecond: 0, burst: 1 } },
      clock: time.clock({ wallMs, isAlive: () => process.isAlive }),
      random: random.fork(),
      logLevel: "silent",
    });
    const process: Process = { server, layer, store, connections: new Set(), isAlive: true };
    this.#process = process;
  }

  /** Dies between two turns. */
  crash(): void {
    for (const process of [this.#process, this.#draining]) if (process !== undefined) this.#end(process);
    this.#process = undefined;
  }

  /** Stops as `suda serve` does at SIGTERM: what is under way is answered, but not for ever. Resolves when it is gone. */
  async drain(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    this.#draining = process;
    const timeout = new Promise<void>((resolve) => this.#options.time.schedule(drainTimeoutMs, resolve));
    await Promise.race([Promise.all([...process.connections].map((connection) => connection.drain())), timeout]);
    if (!process.isAlive) return;
    await process.store[Symbol.asyncDispose]();
    this.#end(process);
  }

  /** A connection of the user, who is taken for authenticated. Opens or ends in a while. */
  connect(
    user: string,
    { client, delayMs, onClientClosed }: { client: ClientHandlers; delayMs: number; onClientClosed: (connection: SimulatedConnection) => void },
  ): SimulatedConnection {
    const { time, random, bounds, onFailure } = this.#options;
    const connection: SimulatedConnection = new SimulatedConnection({
      time,
      random: random.fork(),
      client,
      bounds,
      delayMs,
      onPending: (pending) => this.#pending.push(pending),
      onServerClosed: (closed) => {
        for (const process of [this.#process, this.#draining]) process?.connections.delete(closed);
      },
      onClientClosed,
      onFailure,
    });
    time.schedule(delayMs, () => {
      const process = this.#process;
      if (process === undefined) return connection.refuse();
      this.#shake(process, { connection, user }).catch(onFailure);
    });
    return connection;
  }

  /** What this turn brought leaves. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const connection of pending) connection.flush();
  }

  async #shake(process: Process, { connection, user }: { connection: SimulatedConnection; user: string }): Promise<void> {
    const scope: WebSocketScope = Object.freeze({
      kind: "websocket" as const,
      path: "/v1/socket",
      query: new URLSearchParams(),
      headers: new Headers(),
      client: { address: "192.0.2.1" },
      subprotocols: [],
      principal: { kind: "user" as const, user: user as UserId, expiresAt: this.#options.wallMs() + tokenLifetimeMs },
    });
    const answer = await process.server.app.websocket(scope);
    if (answer.kind === "refuse" || this.#process !== process) return connection.refuse();
    process.connections.add(connection);
    connection.accept(answer);
  }

  #end(process: Process): void {
    if (this.#draining === process) this.#draining = undefined;
    process.isAlive = false;
    process.store.crash();
    for (const connection of process.connections) connection.crash();
    // Nothing of it is seen any more; this only gives back what it holds of the system.
    for (const part of [process.server, process.layer]) Promise.resolve(part[Symbol.asyncDispose]()).catch(this.#options.onFailure);
  }
}
