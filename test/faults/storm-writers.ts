/** Those who write while everybody else has no server, and go on while all come back: the product's backend, in the name of members. */
import { setTimeout as sleep } from "node:timers/promises";
import { limits, type ConversationId } from "@suda/protocol";
import type { SeededRandom } from "@suda/testing";
import { textOf, type StormRoom, type StormWorld } from "./storm-world.ts";

export interface StormWritersOptions {
  readonly world: StormWorld;
  readonly random: SeededRandom;
  readonly apiKey: string;
}

/** Requests that are under way at once. */
const lanes = 32;
/** Of the conversations in which somebody writes, all great groups beside them. */
const directShare = 0.08;
const groupShare = 0.3;
/** Conversations in which more was written than one `hello` brings: at least one, and of a thousand so many. */
const longPerMille = 1;
const longCount: number = limits.resumePageMax + 20;
/** Between two messages while all come back, ms. */
const pauseMs = 100;

export class StormWriters {
  readonly #options: StormWritersOptions;
  /** Of the conversations that were written to. */
  readonly heads = new Map<ConversationId, number>();
  #count = 0;

  constructor(options: StormWritersOptions) {
    this.#options = options;
  }

  async writeMissed(url: string): Promise<{ readonly messages: number; readonly conversations: number; readonly overOnePage: number }> {
    const { random, world } = this.#options;
    let messages = 0;
    let overOnePage = 0;
    const great = new Set(world.users.map(({ rooms }) => rooms[0]));
    const left: { readonly room: StormRoom; readonly count: number }[] = [];
    for (const [index, room] of world.rooms.entries()) {
      const isLong = index === 0 || random.isTrue(longPerMille / 1_000);
      const isWritten = great.has(room.id) || random.isTrue(room.members.length === 2 ? directShare : groupShare);
      const count = isLong ? longCount : isWritten ? random.integer(1, 4) : 0;
      if (count === 0) continue;
      if (isLong) overOnePage++;
      messages += count;
      left.push({ room, count });
    }
    const conversations = left.length;
    const lane = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) for (let one = 0; one < next.count; one++) await this.#write(url, next.room);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return { messages, conversations, overOnePage };
  }

  /** One message after the other, anywhere, until it is stopped. */
  keepWriting(url: string): { stop(): Promise<void> } {
    const storm = { isOver: false };
    const written = this.#writeUntil(storm, url);
    return {
      async stop() {
        storm.isOver = true;
        await written;
      },
    };
  }

  async #writeUntil(storm: { readonly isOver: boolean }, url: string): Promise<void> {
    const { random, world } = this.#options;
    while (!storm.isOver) {
      await this.#write(url, random.pick(world.rooms));
      await sleep(pauseMs);
    }
  }

  async #write(url: string, { id, members }: StormRoom): Promise<void> {
    const { random, apiKey } = this.#options;
    const response = await fetch(`${url}/v1/conversations/${id}/messages`, {
      method: "POST",
      headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json", "Suda-User": random.pick(members) },
      body: JSON.stringify({ clientId: `storm-${process.pid}-${apiKey.slice(0, 6)}-${++this.#count}`, content: { type: "text", text: textOf(random) } }),
    });
    const reply = (await response.json()) as { readonly seq: number };
    if (!response.ok) throw new Error(`A writer was refused with ${response.status}: ${JSON.stringify(reply)}`);
    this.heads.set(id, Math.max(this.heads.get(id) ?? 0, reply.seq));
  }
}
