/** What the tests of this driver share: two nodes of one system, what they were told, and counts of what Redis was asked. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LayerEvent } from "@suda/server/channel-layer";
import type { RedisServer } from "@suda/testing";
import { RedisChannelLayer, type RedisChannelLayerOptions } from "../src/redis-channel-layer.ts";

let systems = 0;

/** A system of its own on a Redis that is shared. */
export function newPrefix(): string {
  return `test-${++systems}`;
}

export class TwoNodes implements AsyncDisposable {
  readonly prefix: string = newPrefix();
  readonly failures: unknown[] = [];
  readonly restored: ("here" | "there")[] = [];
  here!: RedisChannelLayer;
  there!: RedisChannelLayer;

  async connect(url: string): Promise<this> {
    const options: RedisChannelLayerOptions = { url, prefix: this.prefix, onFailure: (error) => void this.failures.push(error) };
    this.here = await RedisChannelLayer.open(options);
    this.there = await RedisChannelLayer.open(options);
    for (const name of ["here", "there"] as const) this[name].link.onRestored(() => this.restored.push(name));
    return this;
  }

  until(isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
    return until(isSo, timeoutMs, () => ({ here: shown(this.here), there: shown(this.there), restored: this.restored, failures: this.failures.map(String) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.here[Symbol.asyncDispose]();
    await this.there[Symbol.asyncDispose]();
  }
}

function shown({ link: { isConnected, lost, subscriptions } }: RedisChannelLayer): object {
  return { isConnected, lost, subscriptions };
}

export async function until(isSo: () => boolean, timeoutMs = 10_000, state: () => object = () => ({})): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(5)) if (isSo()) return;
  assert.fail(`It did not come to that within ${timeoutMs} ms; ${JSON.stringify(state())}`);
}

/** How many of a command Redis has seen. */
export async function commandsOf(redis: RedisServer, name: string): Promise<number> {
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(await redis.command("INFO", "commandstats"))?.[1] ?? 0);
}

export function numbered(number: number): LayerEvent {
  return { type: "test.n", number } as LayerEvent;
}

export function numberOf(event: LayerEvent): number {
  return (event as LayerEvent & { readonly number: number }).number;
}
