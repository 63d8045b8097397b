/**
 * Blocking work off the event loop: an OCR, a solver, an old synchronous driver. For bots and for the server's hooks.
 *
 * Promises: the loop is never held up; so many threads and no more; a queue with a bound, in the order of the calls;
 * a time-out that ends even an endless loop, by ending its thread; input and result with bounds; a thread that dies takes its
 * own work with it and nobody else's. Held by worker-pool.test.ts.
 *
 * The threads are piscina's. The queue is ours, and piscina gets only as much as it has threads for: when a
 * thread of a pool without a minimum ends, piscina 5.3.2 leaves what waits in its queue waiting until the next call.
 */
import { availableParallelism } from "node:os";
import { deserialize, serialize } from "node:v8";
import { systemClock, type Clock } from "@suda/protocol";
import { Piscina } from "piscina";
import { OffloadError, ThrownInWorker } from "./offload-error.ts";
import type { OffloadOutcome, OffloadTask } from "./offload-worker.ts";

export interface WorkerPoolOptions {
  /** Threads at a time; each has a heap of its own. Default: one less than there are processors, 1 to 4. */
  readonly maxThreads?: number;
  /** Calls that wait for a thread; one more is `offload.busy`. Default 100; 0: none waits. */
  readonly maxWaiting?: number;
  /** From the call to its result, waiting counted. Default 30 s. */
  readonly timeoutMs?: number;
  /** Bytes of an input, as V8 serializes it. Default 32 MiB. */
  readonly maxInputBytes?: number;
  /** Bytes of a result, counted likewise. Default 32 MiB. */
  readonly maxResultBytes?: number;
  /** Heap of a thread; over it the thread ends. Default 512 MiB. */
  readonly maxHeapMb?: number;
  /** How long a thread waits for its next work before it ends. Default 30 s. */
  readonly idleMs?: number;
  /** Options of Node for the threads, in place of those of the process. Default: the process's own. */
  readonly execArgv?: readonly string[];
  readonly clock?: Clock;
  /** Told of a thread that failed while it had no work, such as by a timer that a module left behind. Default: nobody. */
  readonly onThreadError?: (error: Error) => void;
}

export interface OffloadOptions {
  /** The module's export. Default: `run`. */
  readonly exportName?: string;
  /** Default: the pool's. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Job {
  readonly task: OffloadTask;
  /** Ends the thread if the job has one. */
  readonly stopped: AbortController;
  readonly resolve: (outcome: OffloadOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const mebibyte = 1_048_576;
const drainMs = 5_000;
// Relative to what runs: the source under a test, the build otherwise. Named with each task and not with the pool, so that a
// failure to load it is that task's.
const handler = {
  filename: new URL(import.meta.url.endsWith(".ts") ? "./offload-worker.ts" : "./offload-worker.js", import.meta.url).href,
  name: "runOffloaded",
} as const;

export class WorkerPool implements AsyncDisposable {
  readonly #piscina: Piscina;
  readonly #clock: Clock;
  readonly #limits: {
    readonly maxThreads: number;
    readonly maxWaiting: number;
    readonly timeoutMs: number;
    readonly maxInputBytes: number;
    readonly maxResultBytes: number;
  };
  /** Jobs that have no thread yet, in the order of their calls. */
  readonly #waiting = new Set<Job>();
  readonly #running = new Set<Job>();
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: WorkerPoolOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#limits = {
      maxThreads: atLeast(1, options.maxThreads ?? Math.min(Math.max(availableParallelism() - 1, 1), 4), "maxThreads"),
      maxWaiting: atLeast(0, options.maxWaiting ?? 100, "maxWaiting"),
      timeoutMs: atLeast(1, options.timeoutMs ?? 30_000, "timeoutMs"),
      maxInputBytes: atLeast(1, options.maxInputBytes ?? 32 * mebibyte, "maxInputBytes"),
      maxResultBytes: atLeast(1, options.maxResultBytes ?? 32 * mebibyte, "maxResultBytes"),
    };
    this.#piscina = new Piscina({
      minThreads: 0,
      maxThreads: this.#limits.maxThreads,
      idleTimeout: atLeast(0, options.idleMs ?? 30_000, "idleMs"),
      // A thread that sleeps in Atomics.wait would not serve timers and sockets that a module keeps, such as a driver's heartbeat.
      atomics: "disabled",
      recordTiming: false,
      ...(options.execArgv === undefined ? {} : { execArgv: [...options.execArgv] }),
      resourceLimits: { maxOldGenerationSizeMb: atLeast(16, options.maxHeapMb ?? 512, "maxHeapMb") },
    });
    // Without a listener such an error would end the process.
    this.#piscina.on("error", (error: Error) => options.onThreadError?.(error));
  }

  /** Calls that have a thread. */
  get running(): number {
    return this.#running.size;
  }

  /** Calls that wait for one. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Calls a module's function in a thread, and resolves with what it returns or resolves to.
   *
   * @param module a file URL, as of `new URL("./solve.js", import.meta.url)`; never from outside of the program. It is loaded once in each thread.
   * @param input plain data and bytes, copied; the function gets it as its only argument
   * @throws OffloadError; TypeError for a module that is no file URL, RangeError for a time that is none
   */
  offload<Result = unknown>(module: URL | string, input: unknown, options: OffloadOptions = {}): Promise<Result> {
    const result = this.#offload(module, input, options) as Promise<Result>;
    this.#underWay.add(result);
    const forget = (): void => void this.#underWay.delete(result);
    result.then(forget, forget);
    return result;
  }

  /** Takes nothing new, lets what is under way end for 5 s, then ends its threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const cut = this.#clock.schedule(drainMs, () => {
      for (const job of [...this.#waiting, ...this.#running]) this.#stop(job, new OffloadError("offload.closed"));
    });
    await Promise.allSettled(this.#underWay);
    cut.cancel();
    await this.#piscina.destroy();
  }

  async #offload(module: URL | string, input: unknown, { exportName = "run", timeoutMs = this.#limits.timeoutMs, signal }: OffloadOptions): Promise<unknown> {
    if (this.#isClosed) throw new OffloadError("offload.closed");
    if (signal?.aborted === true) throw new OffloadError("offload.aborted");
    const url = new URL(module);
    if (url.protocol !== "file:") throw new TypeError("A module to offload to is named by a file URL.");
    if (this.#running.size >= this.#limits.maxThreads && this.#waiting.size >= this.#limits.maxWaiting) throw new OffloadError("offload.busy");
    const { maxResultBytes } = this.#limits;
    const task: OffloadTask = { module: url.href, exportName, input: this.#serialize(input), maxResultBytes };
    let timer: { cancel(): void } | undefined;
    let giveUp: (() => void) | undefined;
    try {
      const outcome = await new Promise<OffloadOutcome>((resolve, reject) => {
        const job: Job = { task, stopped: new AbortController(), resolve, reject };
        timer = this.#clock.schedule(atLeast(1, timeoutMs, "timeoutMs"), () => this.#stop(job, new OffloadError("offload.timeout")));
        giveUp = () => this.#stop(job, new OffloadError("offload.aborted"));
        signal?.addEventListener("abort", giveUp, { once: true });
        this.#waiting.add(job);
        this.#start();
      });
      return resultOf(outcome);
    } finally {
      timer?.cancel();
      if (giveUp !== undefined) signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Gives threads to those who wait, as long as there are any. */
  #start(): void {
    for (const job of this.#waiting) {
      if (this.#running.size >= this.#limits.maxThreads) return;
      this.#waiting.delete(job);
      this.#running.add(job);
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    try {
      job.resolve((await this.#piscina.run(job.task, { ...handler, signal: job.stopped.signal })) as OffloadOutcome);
    } catch (error) {
      // After a stop this one comes second and is not heard.
      job.reject(new OffloadError("offload.crashed", { cause: error }));
    } finally {
      this.#running.delete(job);
      this.#start();
    }
  }

  #stop(job: Job, reason: OffloadError): void {
    job.reject(reason);
    this.#waiting.delete(job);
    job.stopped.abort();
  }

  #serialize(input: unknown): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = serialize(input);
    } catch (error) {
      throw new OffloadError("offload.unsendable", { detail: "This is the input.", cause: error });
    }
    if (bytes.byteLength > this.#limits.maxInputBytes) {
      throw new OffloadError("offload.too_large", { detail: `The input has ${bytes.byteLength} bytes, the limit is ${this.#limits.maxInputBytes}.` });
    }
    return bytes;
  }
}

function resultOf(outcome: OffloadOutcome): unknown {
  switch (outcome.kind) {
    case "done":
      return deserialize(outcome.result);
    case "too-large":
      throw new OffloadError("offload.too_large", { detail: `The result has ${outcome.bytes} bytes.` });
    case "no-module":
      throw new OffloadError("offload.module", { cause: new ThrownInWorker(outcome.error) });
    case "threw":
      throw new OffloadError("offload.failed", { cause: new ThrownInWorker(outcome.error) });
    case "unsendable":
      throw new OffloadError("offload.unsendable", { detail: "This is the result.", cause: new ThrownInWorker(outcome.error) });
  }
}

function atLeast(least: number, value: number, name: string): number {
  if (!Number.isFinite(value) || value < least) throw new RangeError(`${name} is ${value}, and is at least ${least}.`);
  return value;
}
