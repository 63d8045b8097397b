/** A user who is connected when all others come back, and goes on writing: what the storm does to whoever is not in it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientId } from "@suda/protocol";
import { signToken, WireClient } from "@suda/testing";
import type { StormRoom } from "./storm-world.ts";

const pauseMs = 50;

export class Bystander implements AsyncDisposable {
  readonly #client: WireClient;
  readonly #sendMs: number[] = [];
  #isOver = false;
  readonly #written: Promise<void>;

  private constructor(client: WireClient, { id }: StormRoom) {
    this.#client = client;
    this.#written = this.#write(id);
    // Awaited in `stop`.
    this.#written.catch(() => {});
  }

  static async open({ url, directory, room }: { readonly url: string; readonly directory: string; readonly room: StormRoom }): Promise<Bystander> {
    const client = await WireClient.open({ url, token: signToken(directory, room.members[0] as string) });
    return new Bystander(client, room);
  }

  /** @returns from each send to its reply, ms */
  async stop(): Promise<readonly number[]> {
    this.#isOver = true;
    await this.#written;
    return this.#sendMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#client[Symbol.asyncDispose]();
  }

  /** Every 50 ms, whether the one before is answered or not. */
  async #write(conversation: StormRoom["id"]): Promise<void> {
    const under = new Set<Promise<void>>();
    for (let count = 0; !this.#isOver; count++) {
      const clientId = `bystander-${process.pid}-${Date.now()}-${count}` as ClientId;
      const sent = this.#send(conversation, clientId).finally(() => under.delete(sent));
      under.add(sent);
      await sleep(pauseMs);
    }
    await Promise.all(under);
  }

  async #send(conversation: StormRoom["id"], clientId: ClientId): Promise<void> {
    const sentAt = performance.now();
    await this.#client.request("message.send", { conversation, clientId, content: { type: "text", text: "저는 여기 있어요" } });
    this.#sendMs.push(performance.now() - sentAt);
  }
}
