/**
 * The other side of a webhook for tests: listens on loopback, verifies what comes and writes it down, and answers as the test says.
 * The server under test must allow the address: `outgoing: { allow: ["127.0.0.0/8"] }`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock, verifyWebhook, type Clock, type WebhookDelivery } from "@suda/protocol";

export interface ReceivedWebhook {
  readonly id: string;
  /** Parsed; of a hook it has another shape. */
  readonly body: WebhookDelivery;
  readonly raw: string;
  /** The code of why it is not to be believed; absent when it was signed with one of the secrets. */
  readonly refused?: string;
  /** Order of arrival, 0, 1, 2… */
  readonly index: number;
}

export interface WebhookReceiverOptions {
  /** Default: an empty 200. */
  readonly respond?: (received: ReceivedWebhook, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;
  readonly clock?: Clock;
}

export class WebhookReceiver implements AsyncDisposable {
  readonly #server: Server;
  /** What a webhook is verified with; the test puts them here when it has them. */
  readonly secrets: string[] = [];
  readonly received: ReceivedWebhook[] = [];
  /** May be changed at any time. */
  respond: NonNullable<WebhookReceiverOptions["respond"]>;
  /** TCP connections so far. */
  connections = 0;

  private constructor(options: WebhookReceiverOptions, server: Server) {
    this.#server = server;
    this.respond = options.respond ?? ((_received, response) => void response.end());
    server.on("connection", () => this.connections++);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      // Whoever sends may go away in the middle.
      response.on("error", () => {});
      void this.#receive(request, options.clock ?? systemClock)
        .then((received) => this.respond(received, response, request))
        .catch(() => response.destroy());
    });
  }

  static async open(options: WebhookReceiverOptions = {}): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(options, createServer());
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/webhook`;
  }

  /** Resolves when so many have come; each look calls `meanwhile`, which may move a clock. */
  async arrived(count: number, meanwhile: () => void = () => {}): Promise<readonly ReceivedWebhook[]> {
    const giveUpAt = Date.now() + 10_000;
    while (this.received.length < count) {
      if (Date.now() > giveUpAt) throw new Error(`${this.received.length} webhooks came, not ${count}.`);
      meanwhile();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, clock: Clock): Promise<ReceivedWebhook> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString("utf8");
    const refused = await verifyWebhook({ headers: request.headers, body: raw, secrets: this.secrets, clock }).then(
      () => undefined,
      (error: Error & { code?: string }) => error.code ?? error.message,
    );
    const received: ReceivedWebhook = {
      id: String(request.headers["webhook-id"]),
      body: JSON.parse(raw) as WebhookDelivery,
      raw,
      index: this.received.length,
      ...(refused === undefined ? {} : { refused }),
    };
    this.received.push(received);
    return received;
  }
}
