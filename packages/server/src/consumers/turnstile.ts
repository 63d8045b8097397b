/**
 * What reads much and can wait, `hello` and pages, goes through here: so many at once, and of each turn of the event loop a part.
 * When thousands come back in one moment, the turns stay short: heartbeats, `/readyz` and everybody's sends go on between them,
 * and what waits costs its frame and no more. First come, first served: a connection has one of these under way, so a client that
 * asks for everything stands in line once like all others. Rules B10, B11.
 *
 * What waits too long is refused: its client has given up, or will, and comes back with jitter.
 */
import { SudaError, type Clock, type Timer } from "@suda/protocol";

export interface TurnstileOptions {
  readonly clock: Clock;
  /** Runs a task when what the system has brought until now was looked at: `setImmediate`. */
  readonly nextTurn: (task: () => void) => void;
  /** Whether new connections wait to be taken. */
  readonly isCrowded: () => boolean;
  /** For a store that is asked over a network; default 64. */
  readonly maxUnderWay?: number;
  /** Of one turn of the event loop; what was begun is finished. Default 2. */
  readonly budgetMs?: number;
  /** Default 5,000: a third of what clients wait for an answer. */
  readonly maxWaitMs?: number;
  /** Default 20,000; the newest is refused. */
  readonly maxWaiting?: number;
}

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
  readonly refuse: (error: SudaError) => void;
}

const retryAfterMs = 2_000;
/**
 * A turn takes one new connection from the system (libuv since 1.45): were every turn filled with reading, thousands of newcomers
 * would wait outside for seconds, and a balancer's question after `/readyz` with them. So they come in first, and after so
 * many turns some reading is done all the same.
 */
const turnsForNewcomers = 8;

export class Turnstile {
  readonly #options: Required<TurnstileOptions>;
  /** In the order of coming. */
  readonly #line = new Set<Waiting>();
  #underWay = 0;
  #turnBeganAtMs: number | undefined;
  /** Turns that were left to newcomers since something was begun. */
  #turnsLeft = 0;
  #expiry: Timer | undefined;

  constructor(options: TurnstileOptions) {
    this.#options = { maxUnderWay: 64, budgetMs: 2, maxWaitMs: 5_000, maxWaiting: 20_000, ...options };
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Does the work when it is its turn: at once, as long as little is asked. @throws SudaError server.busy; what `work` throws */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#line.size === 0 && this.#mayBegin()) this.#underWay++;
    else await this.#wait();
    try {
      return await work();
    } finally {
      this.#underWay--;
      this.#next();
    }
  }

  #wait(): Promise<void> {
    const { clock, maxWaiting } = this.#options;
    if (this.#line.size >= maxWaiting) throw busy();
    return new Promise((begin, refuse) => {
      this.#line.add({ sinceMs: clock.monotonicMs(), begin, refuse });
      this.#expireLater();
    });
  }

  #mayBegin(): boolean {
    const { clock, nextTurn, isCrowded, budgetMs, maxUnderWay } = this.#options;
    if (this.#underWay >= maxUnderWay) return false;
    const now = clock.monotonicMs();
    if (this.#turnBeganAtMs === undefined) {
      this.#turnBeganAtMs = now;
      nextTurn(() => {
        this.#turnBeganAtMs = undefined;
        this.#turnsLeft++;
        this.#next();
      });
    }
    if (isCrowded() && this.#turnsLeft < turnsForNewcomers) return false;
    if (now - this.#turnBeganAtMs >= budgetMs) {
      this.#turnsLeft = 0;
      return false;
    }
    return true;
  }

  /** One, which calls for the next when it is done; and one more with each turn, for work that waits for the network. */
  #next(): void {
    const [first] = this.#line;
    if (first === undefined || !this.#mayBegin()) return;
    this.#line.delete(first);
    this.#underWay++;
    first.begin();
  }

  #expireLater(): void {
    const [first] = this.#line;
    if (first === undefined || this.#expiry !== undefined) return;
    const { clock, maxWaitMs } = this.#options;
    this.#expiry = clock.schedule(Math.max(0, first.sinceMs + maxWaitMs - clock.monotonicMs()), () => {
      this.#expiry = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const { clock, maxWaitMs } = this.#options;
    for (const waiting of this.#line) {
      if (waiting.sinceMs + maxWaitMs > clock.monotonicMs()) break;
      this.#line.delete(waiting);
      waiting.refuse(busy());
    }
    this.#expireLater();
  }
}

function busy(): SudaError {
  return new SudaError("server.busy", "Too many ask for as much at this moment; try again.", { retryAfterMs });
}
