/**
 * The one place that talks to Cassandra: prepared statements, consistency, and the one layer of retries.
 *
 * The driver itself never retries (its policy falls through), so that a write is sent twice only where this file says that
 * it may be. Reads, and writes whose timestamp is the version of their conversation, may be repeated as one likes. A
 * compare-and-set may not: what it did when no answer came is `unknown`, and its caller reads with serial consistency, which
 * finishes or buries what was under way.
 */
import { SudaError, type Clock, type Random } from "@suda/protocol";
import { errors, types, type Client } from "cassandra-driver";
import { UnknownOutcomeError } from "./store-errors.ts";

export type Value = string | number | Buffer | null | readonly string[] | readonly number[];
export type Row = types.Row;

export interface Statement {
  readonly cql: string;
  readonly values: readonly Value[];
}

export type CasOutcome =
  | { readonly outcome: "applied" }
  | { readonly outcome: "refused"; readonly row: Row | undefined }
  | { readonly outcome: "unknown"; readonly cause: unknown };

/** For how long a call is tried, and then until when it may still end. */
const deadlineMs = 10_000;
const firstDelayMs = 20;
const longestDelayMs = 1_000;
/** Shorter troubles are those of one node of Cassandra, whose place another one takes. */
const troubleAfterMs = 1_000;
/** Rows of one answer; longer results come in several. */
const fetchSize = 5_000;

/** The cluster looked before it began, and did not begin. */
const neverBegun = new Set<number>([types.responseErrorCodes.unavailableException, types.responseErrorCodes.isBootstrapping]);
/** Mistakes of ours or of the configuration: the same request can only fail again. */
const hopeless = new Set<number>([
  types.responseErrorCodes.syntaxError,
  types.responseErrorCodes.invalid,
  types.responseErrorCodes.unauthorized,
  types.responseErrorCodes.configError,
  types.responseErrorCodes.alreadyExists,
  types.responseErrorCodes.badCredentials,
  types.responseErrorCodes.protocolError,
]);

export interface ClusterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly consistency: number;
  readonly serialConsistency: number;
}

export class Cluster {
  readonly #options: ClusterOptions;
  /** Since when no call has succeeded, on the monotonic clock; absent while they do. */
  #troubledSince: number | undefined;
  #trouble = "";

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Why calls fail, when none has succeeded for a while. */
  get trouble(): string | undefined {
    const since = this.#troubledSince;
    return since !== undefined && this.#options.clock.monotonicMs() - since > troubleAfterMs ? this.#trouble : undefined;
  }

  /** @param isSerial sees everything that any compare-and-set decided before, and settles what is under way */
  async rows(cql: string, values: readonly Value[], { isSerial = false }: { readonly isSerial?: boolean } = {}): Promise<readonly Row[]> {
    const { client, consistency, serialConsistency } = this.#options;
    const options = { prepare: true, consistency: isSerial ? serialConsistency : consistency, isIdempotent: true, fetchSize, autoPage: false };
    return this.#repeat(async () => {
      const first = await client.execute(cql, [...values], options);
      this.#recover();
      if (first.pageState === null || first.pageState === undefined) return first.rows;
      const rows = [...first.rows];
      for (let pageState: string | null = first.pageState; pageState; ) {
        const page: types.ResultSet = await client.execute(cql, [...values], { ...options, pageState });
        rows.push(...page.rows);
        pageState = page.pageState ?? null;
      }
      return rows;
    });
  }

  async row(cql: string, values: readonly Value[], options?: { readonly isSerial?: boolean }): Promise<Row | undefined> {
    return (await this.rows(cql, values, options))[0];
  }

  /** Statements on one partition, all of them or none; each names its timestamp, so that they may be repeated. */
  async write(statements: readonly Statement[]): Promise<void> {
    const { client, consistency } = this.#options;
    const [first] = statements;
    if (first === undefined) return;
    const options = { prepare: true, consistency, isIdempotent: true, logged: false };
    await this.#repeat(async () => {
      if (statements.length === 1) await client.execute(first.cql, [...first.values], options);
      else
        await client.batch(
          statements.map(({ cql, values }) => ({ query: cql, params: [...values] })),
          options,
        );
      this.#recover();
    });
  }

  /** A lightweight transaction on one partition. Only what certainly was not begun is tried again here. */
  async compareAndSet(statements: readonly Statement[]): Promise<CasOutcome> {
    const { client, consistency, serialConsistency } = this.#options;
    const [first] = statements as readonly [Statement];
    const options = { prepare: true, consistency, serialConsistency, isIdempotent: false, logged: false };
    return this.#repeat(async (): Promise<CasOutcome> => {
      try {
        const result =
          statements.length === 1
            ? await client.execute(first.cql, [...first.values], options)
            : await client.batch(
                statements.map(({ cql, values }) => ({ query: cql, params: [...values] })),
                options,
              );
        this.#recover();
        return result.wasApplied() ? { outcome: "applied" } : { outcome: "refused", row: result.first() ?? undefined };
      } catch (error) {
        if (isHopeless(error) || isNeverBegun(error)) throw error;
        if (error instanceof Error) this.#worry(error);
        return { outcome: "unknown", cause: error };
      }
    });
  }

  /** Waits a random part of what the number of tries so far allows: full jitter. `longestMs`: shorter, after somebody else was first. */
  async pause(tries: number, longestMs: number = longestDelayMs): Promise<void> {
    await this.wait(this.#options.random.float() * Math.min(longestMs, firstDelayMs * 2 ** Math.min(tries, 10)));
  }

  async wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#options.clock.schedule(delayMs, resolve));
  }

  get monotonicMs(): number {
    return this.#options.clock.monotonicMs();
  }

  get deadline(): number {
    return this.#options.clock.monotonicMs() + deadlineMs;
  }

  isOver(deadline: number): boolean {
    return this.#options.clock.monotonicMs() > deadline;
  }

  #recover(): void {
    this.#troubledSince = undefined;
  }

  #worry(error: Error): void {
    this.#troubledSince ??= this.#options.clock.monotonicMs();
    this.#trouble = error.message;
  }

  async #repeat<T>(work: () => Promise<T>): Promise<T> {
    const { deadline } = this;
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Error) || isHopeless(error) || !isOfDriver(error)) throw error;
        this.#worry(error);
        if (this.isOver(deadline)) throw new SudaError("server.busy", "The store does not answer; try again.", { retryAfterMs: longestDelayMs, cause: error });
        await this.pause(tries);
      }
    }
  }
}

export function unknownOutcome(cause: unknown): UnknownOutcomeError {
  return new UnknownOutcomeError(cause);
}

function isOfDriver(error: Error): boolean {
  return error instanceof errors.DriverError || typeof (error as { code?: unknown }).code === "string";
}

function isHopeless(error: unknown): boolean {
  return (error instanceof errors.ResponseError && hopeless.has(error.code)) || error instanceof errors.ArgumentError || error instanceof TypeError;
}

function isNeverBegun(error: unknown): boolean {
  if (error instanceof errors.ResponseError) return neverBegun.has(error.code);
  // Only if no host was so much as sent it: a broken connection to one leaves it open.
  return error instanceof errors.NoHostAvailableError && Object.keys(error.innerErrors ?? {}).length === 0;
}
