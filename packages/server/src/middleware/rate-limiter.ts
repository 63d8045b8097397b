/**
 * Token buckets by key (a user, an address): a burst, then a steady rate. As a middleware for handshakes
 * and requests, by address; as a plain limiter for the commands of a connection, by user.
 *
 * Bounded: a bucket that would be full again is forgotten, and over `maxKeys` the oldest goes first, which
 * forgives and never locks out.
 */
import { SudaError, type Clock } from "@suda/protocol";
import type { HttpApp, HttpScope, WebSocketApp } from "../app/app.ts";
import { refusalOf, responseOf } from "../app/refusal.ts";

export interface RateLimit {
  /** Steady rate; 0 switches the limit off. */
  readonly perSecond: number;
  /** How many may come at once, ≥ 1. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

const maxKeys = 100_000;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** 0 when one more may pass, else the milliseconds until it may. */
  take(key: string): number {
    const { perSecond, burst } = this.#limit;
    if (perSecond === 0) return 0;
    const now = this.#clock.monotonicMs();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: burst, at: now };
      if (this.#buckets.size >= maxKeys) this.#forgetOldest(now);
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return 0;
    }
    return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
  }

  /** Makes room: all that are full again, else the tenth that was added first. */
  #forgetOldest(now: number): void {
    const { perSecond, burst } = this.#limit;
    for (const [key, { tokens, at }] of this.#buckets) if (tokens + ((now - at) / 1_000) * perSecond >= burst) this.#buckets.delete(key);
    let excess = this.#buckets.size - Math.floor(maxKeys * 0.9);
    for (const key of this.#buckets.keys()) {
      if (excess-- <= 0) break;
      this.#buckets.delete(key);
    }
  }
}

/** Before authentication, so that checking forged tokens is limited too. @param isExempt whose requests are not counted */
export function rateLimitHttp(limiter: RateLimiter, isExempt: (scope: HttpScope) => boolean, app: HttpApp): HttpApp {
  return (scope, request) => {
    const retryAfterMs = isExempt(scope) ? 0 : limiter.take(scope.client.address);
    return retryAfterMs > 0 ? responseOf(limited(retryAfterMs)) : app(scope, request);
  };
}

export function rateLimitWebSocket(limiter: RateLimiter, app: WebSocketApp): WebSocketApp {
  return (scope) => {
    const retryAfterMs = limiter.take(scope.client.address);
    return retryAfterMs > 0 ? refusalOf(limited(retryAfterMs)) : app(scope);
  };
}

function limited(retryAfterMs: number): SudaError {
  return new SudaError("rate.limited", `Too many requests from this address; wait ${retryAfterMs} ms.`, { retryAfterMs });
}
