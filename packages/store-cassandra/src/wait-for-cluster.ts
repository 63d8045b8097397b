/**
 * A cluster that has just started: it takes no connections yet, its nodes do not know that the others are there, or do not have
 * the tables that were made a moment ago. What can be done again is, until it goes or the time is over.
 */
import { systemClock } from "@suda/protocol";
import { StoreOpenError } from "@suda/server/store";
import { errors, types } from "cassandra-driver";

export interface WaitOptions {
  /** For how long a cluster that is not ready yet is asked again. Default 0: not at all. */
  readonly waitMs?: number;
  /** Told what the cluster says, when waiting begins and when that becomes something else. Must not throw. */
  readonly onWait?: (reason: string) => void;
}

/** Between two tries; what they cost the cluster is a connection each. */
const pauseMs = 1_000;

const { unavailableException, overloaded, isBootstrapping, readTimeout, writeTimeout, readFailure, writeFailure, serverError } = types.responseErrorCodes;
const invalid: number = types.responseErrorCodes.invalid;
// A replica that was not told of a table yet fails, where the node that was asked was told.
const passing = new Set<number>([unavailableException, overloaded, isBootstrapping, readTimeout, writeTimeout, readFailure, writeFailure, serverError]);

/** @param attempt may be run again after it failed anywhere. @throws StoreOpenError `unreachable` after `waitMs`; anything else that it throws at once */
export async function whenClusterIsReady<T>(attempt: () => Promise<T>, { waitMs = 0, onWait = () => {} }: WaitOptions): Promise<T> {
  const endsAt = systemClock.monotonicMs() + waitMs;
  let told: string | undefined;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      const error = asNotReady(cause);
      if (error === undefined) throw cause;
      const leftMs = endsAt - systemClock.monotonicMs();
      if (leftMs <= 0) throw error;
      if (error.message !== told) onWait(error.message);
      told = error.message;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
    }
  }
}

/** `undefined` for what waiting does not change. */
function asNotReady(error: unknown): StoreOpenError | undefined {
  if (error instanceof StoreOpenError) return error.code === "unreachable" || error.code === "not_initialised" ? error : undefined;
  if (!(error instanceof Error) || !isPassing(error)) return undefined;
  return new StoreOpenError("unreachable", `Cassandra is not ready: ${error.message}`, { cause: error });
}

function isPassing(error: Error): boolean {
  if (error instanceof errors.ResponseError)
    // A node that was not told of a table yet calls the question for it invalid.
    return passing.has(error.code) || (error.code === invalid && /unconfigured table|does ?n[o']t exist/i.test(error.message));
  return error instanceof errors.NoHostAvailableError || error instanceof errors.OperationTimedOutError || error instanceof errors.BusyConnectionError;
}
