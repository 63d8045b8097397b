/**
 * What is counted, in Prometheus' words (prom-client behind this facade). One registry per server, so that
 * two in one process do not mix.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ChannelLayerLink } from "../channel-layer/channel-layer.ts";
import type { ChatMetrics } from "../chat/context.ts";
import type { StoreRead } from "../store/counted-store.ts";
import type { StoreStats } from "../store/store-status.ts";

export interface MetricsSources {
  /** Label of everything that is counted, where there are several nodes. */
  readonly node?: string;
  readonly connections: () => number;
  readonly layerDropped: () => number;
  /** Hellos and pages that wait for their turn. */
  readonly readsWaiting: () => number;
  /** Of a layer of several nodes. */
  readonly layerLink?: ChannelLayerLink;
  /** Of a store that counts. */
  readonly storeStats?: () => StoreStats;
  /** 1 ready, 0 not. */
  readonly isReady: () => boolean;
  readonly webhooks: () => { readonly pending: number; readonly oldestFailureMs: number };
}

export class Metrics implements ChatMetrics {
  readonly #registry: Registry = new Registry();
  #isObserving = false;
  readonly #commands: Counter<"type" | "code">;
  /** Counted as plain numbers, because they are on hot paths. */
  #deliveries = 0;
  readonly #storeReads = new Map<StoreRead, number>();
  readonly #sendMs: Histogram;
  readonly #lags: Counter;
  readonly #historyReads: Counter<"direction">;
  readonly #layerLosses: Counter<"what">;
  readonly #duplicates: Counter;
  readonly #slowCloses: Counter;
  readonly #failures: Counter;
  readonly #webhookDeliveries: Counter<"outcome">;
  readonly #hooks: Counter<"hook" | "outcome">;

  constructor(sources: MetricsSources) {
    const registers = [this.#registry];
    if (sources.node !== undefined) this.#registry.setDefaultLabels({ node: sources.node });
    this.#commands = new Counter({
      name: "suda_commands_total",
      help: "Commands answered over WebSocket, by type and outcome",
      labelNames: ["type", "code"],
      registers,
    });
    const counted = (name: string, help: string, value: () => number): Counter =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    counted("suda_deliveries_total", "Events given to connections", () => this.#deliveries);
    countStoreReads(this.#storeReads, registers);
    this.#sendMs = new Histogram({
      name: "suda_send_durable_ms",
      help: "From a send command to its durable commit, milliseconds",
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 1_000],
      registers,
    });
    this.#lags = new Counter({
      name: "suda_lags_total",
      help: "Conversations whose live events were replaced by lag because a client did not keep up",
      registers,
    });
    this.#historyReads = new Counter({
      name: "suda_history_reads_total",
      help: "Pages of history: after a seq, as clients read that fill a hole, or before one, as people scroll back",
      labelNames: ["direction"],
      registers,
    });
    this.#layerLosses = new Counter({
      name: "suda_layer_losses_total",
      help: "What this node found to be missing of other nodes' events: held (came out of order), missed (read from the log), behind (conversations whose members were told to read)",
      labelNames: ["what"],
      registers,
    });
    this.#duplicates = new Counter({ name: "suda_send_duplicates_total", help: "Retries that found their first send", registers });
    this.#slowCloses = new Counter({ name: "suda_slow_closes_total", help: "Connections closed because the client did not read", registers });
    this.#failures = new Counter({ name: "suda_failures_total", help: "Unexpected errors; each is in the log", registers });
    this.#webhookDeliveries = new Counter({
      name: "suda_webhook_deliveries_total",
      help: "Attempts to deliver to webhooks: delivered, failed, gone; and dead (given up) and bad-answer beside them",
      labelNames: ["outcome"],
      registers,
    });
    this.#hooks = new Counter({ name: "suda_hooks_total", help: "Calls of the product's hooks, by outcome", labelNames: ["hook", "outcome"], registers });
    const gauge = (name: string, help: string, value: () => number): Gauge =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("suda_connections", "Open WebSocket connections", sources.connections);
    gauge("suda_reads_waiting", "Hellos and pages that wait until the server has time for them", sources.readsWaiting);
    gauge("suda_layer_dropped", "Events that the channel layer dropped since the start", sources.layerDropped);
    const { layerLink } = sources;
    if (layerLink !== undefined) {
      gauge("suda_layer_link_up", "1 when this node hears the other nodes, 0 while it does not", () => (layerLink.isConnected ? 1 : 0));
      counted("suda_layer_link_lost_total", "Events for other nodes that did not go out", () => layerLink.lost);
    }
    const { storeStats } = sources;
    if (storeStats !== undefined) {
      counted("suda_store_commits_total", "Commits of the store", () => storeStats().commits);
      counted("suda_store_commit_calls_total", "Writes that were made durable, many by one commit", () => storeStats().calls);
      counted("suda_store_commit_ms_total", "Milliseconds that commits took, all together", () => storeStats().commitMs);
      counted("suda_store_conflicts_total", "Commits that began anew because another node had written first", () => storeStats().conflicts);
      counted("suda_store_unknown_total", "Commits without an answer in time, whose outcome was looked up", () => storeStats().unknown);
    }
    gauge("suda_webhook_pending", "Conversations with something to be delivered to a webhook by this process", () => sources.webhooks().pending);
    gauge("suda_webhook_oldest_failure_seconds", "How long the delivery that has been failing longest has been failing", () =>
      Math.round(sources.webhooks().oldestFailureMs / 1_000),
    );
    gauge("suda_ready", "1 when the server takes traffic", () => (sources.isReady() ? 1 : 0));
  }

  /** Prometheus' text. The process's own figures are observed from the first call on: a server that nobody scrapes costs no observers. */
  render(): Promise<string> {
    if (!this.#isObserving) collectDefaultMetrics({ register: this.#registry, prefix: "suda_" });
    this.#isObserving = true;
    return this.#registry.metrics();
  }

  sent(ms: number): void {
    this.#sendMs.observe(ms);
  }

  historyRead(direction: "after" | "before"): void {
    this.#historyReads.inc({ direction });
  }

  duplicate(): void {
    this.#duplicates.inc();
  }

  command(type: string, code: string): void {
    this.#commands.inc({ type, code });
  }

  delivered(): void {
    this.#deliveries++;
  }

  /** @param records as `countReads` counts them */
  storeRead(op: StoreRead, records: number): void {
    this.#storeReads.set(op, (this.#storeReads.get(op) ?? 0) + records);
  }

  lagged(): void {
    this.#lags.inc();
  }

  layerLoss(what: string, count: number): void {
    this.#layerLosses.inc({ what }, count);
  }

  slowClose(): void {
    this.#slowCloses.inc();
  }

  webhookDelivery(outcome: string): void {
    this.#webhookDeliveries.inc({ outcome });
  }

  hook(hook: string, outcome: string): void {
    this.#hooks.inc({ hook, outcome });
  }

  failure(): void {
    this.#failures.inc();
  }
}

function countStoreReads(storeReads: ReadonlyMap<StoreRead, number>, registers: Registry[]): Counter<"op"> {
  return new Counter({
    name: "suda_store_reads_total",
    help: "Records and pages that were read of the store, by the read",
    labelNames: ["op"],
    registers,
    collect() {
      this.reset();
      for (const [op, count] of storeReads) this.inc({ op }, count);
    },
  });
}
