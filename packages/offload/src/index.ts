/** Blocking work in threads, for bots and for hooks. */
export { OffloadError, offloadErrors, ThrownInWorker, type OffloadErrorCode } from "./offload-error.ts";
export { WorkerPool, type OffloadOptions, type WorkerPoolOptions } from "./worker-pool.ts";
