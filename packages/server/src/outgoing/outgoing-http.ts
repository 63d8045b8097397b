/**
 * Every HTTP request that this server makes on somebody's word: webhooks, hooks. One module, so that there is one
 * place where addresses are checked and where time, bytes and connections are bounded (RELIABILITY D6).
 *
 * Promises: only https to public addresses, and http where the operator's allow-list names the address; the address is
 * checked in the socket's look-up; no redirect is followed, nothing is unpacked, no proxy of the environment is used and undici's
 * global dispatcher is left alone; an answer ends within its time, however slowly it drips; what is over a limit is not read.
 * Held by outgoing-http.test.ts and by test/outgoing/, which counts connections outside of this code.
 */
import { systemClock, type Clock } from "@suda/protocol";
import type { Dispatcher } from "undici";
import { AddressPolicy, type AddressPolicyOptions } from "./address-policy.ts";
import { createCheckedConnector } from "./checked-connector.ts";
import { checkUrl } from "./check-url.ts";
import { ConnectionPool, type Connection } from "./connection-pool.ts";
import { OutgoingError } from "./outgoing-error.ts";
import { outgoingErrorOf } from "./outgoing-error-of.ts";
import { retryAfterMs } from "./retry-after.ts";
import { createDnsResolver, type Resolver } from "./resolver.ts";

export interface OutgoingHttpOptions {
  /** What may be called beyond public addresses, and what not. */
  readonly addresses?: AddressPolicyOptions;
  /** Certificates of authorities (PEM) to trust beside the usual ones. Default: none. */
  readonly ca?: readonly string[];
  /** Connections in all, idle ones counted. Default 256. */
  readonly maxConnections?: number;
  /** Connections to one origin. Default 8, so that one slow host does not take them all. */
  readonly maxConnectionsPerOrigin?: number;
  /** How long a connection is kept for the next request. Default 10 s. */
  readonly idleMs?: number;
  /** How old a connection may be when it is used again; its host may have moved since. Default 60 s. */
  readonly maxAgeMs?: number;
  /** Bytes of an answer's headers. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Default: DNS by the system's name servers. */
  readonly resolver?: Resolver;
  readonly clock?: Clock;
}

export interface OutgoingRequest {
  /** At most 2,000 characters. */
  readonly url: string;
  /** Those that say how a message is framed or whom it is for (`host`, `content-length`, `connection`…) are not the caller's. */
  readonly headers?: Readonly<Record<string, string>>;
  /** At most 1 MiB. */
  readonly body: string | Uint8Array;
  /** From the call to the last byte of the answer. Default 10 s; at most 60 s. */
  readonly timeoutMs?: number;
  /** Bytes of the answer's body. Default 64 KiB; 0: an empty one. */
  readonly maxResponseBytes?: number;
  readonly signal?: AbortSignal;
}

export interface OutgoingResponse {
  /** 200 to 299. */
  readonly status: number;
  /** Names in lower case; what came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came: nothing is unpacked. */
  readonly body: Uint8Array;
}

const maxRequestBytes = 1_048_576;
const maxTimeoutMs = 60_000;
const drainMs = 5_000;
const ownHeaders = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export class OutgoingHttp implements AsyncDisposable {
  readonly #policy: AddressPolicy;
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Throws a RangeError when the configuration names what is no address, range or port. */
  constructor(options: OutgoingHttpOptions = {}) {
    const policy = new AddressPolicy(options.addresses);
    const { clock = systemClock, resolver = createDnsResolver(), ca = [] } = options;
    this.#policy = policy;
    this.#clock = clock;
    this.#pool = new ConnectionPool({
      clock,
      maxConnections: options.maxConnections ?? 256,
      maxConnectionsPerOrigin: options.maxConnectionsPerOrigin ?? 8,
      idleMs: options.idleMs ?? 10_000,
      maxAgeMs: options.maxAgeMs ?? 60_000,
      maxHeaderBytes: options.maxHeaderBytes ?? 16_384,
      createConnector: (of) => createCheckedConnector({ policy, resolver, ca, ...of }),
    });
  }

  /** Open connections, idle ones counted. */
  get connections(): number {
    return this.#pool.size;
  }

  /** Refuses a URL by its form alone, for when it is registered. That it passes does not promise that its address will. */
  checkUrl(url: string): void {
    checkUrl(url, this.#policy);
  }

  /**
   * Sends one POST and reads its whole answer. Not repeated here when it fails; it may have arrived none the less.
   * Resolves for 2xx; everything else is an {@link OutgoingError}.
   */
  post(request: OutgoingRequest): Promise<OutgoingResponse> {
    const sent = this.#post(request);
    this.#underWay.add(sent);
    const forget = (): void => void this.#underWay.delete(sent);
    sent.then(forget, forget);
    return sent;
  }

  /** Takes nothing new, lets what is under way end for 5 s, then cuts it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const cut = this.#clock.schedule(drainMs, () => this.#pool.destroy());
    await Promise.allSettled(this.#underWay);
    cut.cancel();
    this.#pool.destroy();
  }

  async #post({ url, headers = {}, body, timeoutMs = 10_000, maxResponseBytes = 65_536, signal }: OutgoingRequest): Promise<OutgoingResponse> {
    if (this.#isClosed) throw new OutgoingError("outgoing.closed");
    if (signal?.aborted === true) throw new OutgoingError("outgoing.aborted");
    const { origin, path } = checkUrl(url, this.#policy);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    checkRequest({ headers, bytes, timeoutMs, maxResponseBytes });
    const connection = this.#pool.acquire(origin);
    if (connection === undefined) throw new OutgoingError("outgoing.busy");

    let stoppedBy: OutgoingError | undefined;
    // Not by a signal of the request: undici would look at it only when the connection is made.
    const stop = (error: OutgoingError): void => {
      stoppedBy ??= error;
      connection.destroy(stoppedBy);
    };
    const timer = this.#clock.schedule(timeoutMs, () => stop(new OutgoingError("outgoing.timeout")));
    const giveUp = (): void => stop(new OutgoingError("outgoing.aborted"));
    signal?.addEventListener("abort", giveUp, { once: true });
    let isReusable = false;
    try {
      const response = await this.#exchange(connection, { path, headers, bytes, maxResponseBytes });
      isReusable = true;
      return response;
    } catch (error) {
      throw stoppedBy ?? outgoingErrorOf(error);
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", giveUp);
      this.#pool.release(connection, { isReusable });
    }
  }

  async #exchange(connection: Connection, { path, headers, bytes, maxResponseBytes }: Exchange): Promise<OutgoingResponse> {
    const answer = await connection.client.request({
      method: "POST",
      path,
      // Unpacked, a small answer can be of any size.
      headers: { "user-agent": "suda", ...headers, "accept-encoding": "identity" },
      body: bytes,
    });
    const status = answer.statusCode;
    // From here the body must be read or ended, also when nobody wants it; the connection goes with it.
    answer.body.on("error", () => {});
    try {
      if (status >= 300 && status < 400) throw new OutgoingError("outgoing.redirect", { detail: `The status is ${status}.`, status });
      if (status < 200 || status >= 300) {
        const wait = retryAfterMs(answer.headers["retry-after"], this.#clock);
        throw new OutgoingError("outgoing.status", { detail: `The status is ${status}.`, status, ...(wait === undefined ? {} : { retryAfterMs: wait }) });
      }
      return { status, headers: plainHeaders(answer.headers), body: await readBody(answer.body, { maxBytes: maxResponseBytes, status }) };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }
}

interface Exchange {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly maxResponseBytes: number;
}

function checkRequest({ headers, bytes, timeoutMs, maxResponseBytes }: Omit<Exchange, "path"> & { readonly timeoutMs: number }): void {
  const wrong = (detail: string): OutgoingError => new OutgoingError("outgoing.invalid_request", { detail });
  if (bytes.byteLength > maxRequestBytes) throw wrong(`The body is over ${maxRequestBytes} bytes.`);
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0 || timeoutMs > maxTimeoutMs) throw wrong(`The time is not within 1 to ${maxTimeoutMs} ms.`);
  if (!Number.isInteger(maxResponseBytes) || maxResponseBytes < 0) throw wrong("The limit of the answer is no number of bytes.");
  for (const [name, value] of Object.entries(headers)) {
    // RFC 9110 §5.1 and §5.5, and within Latin-1.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name)) throw wrong("A header's name is not one.");
    if (ownHeaders.has(name.toLowerCase())) throw wrong(`The header ${name} is not the caller's.`);
    if (!/^[\t\x20-\x7e\x80-\xff]{0,4096}$/.test(value)) throw wrong(`The value of the header ${name} cannot be sent.`);
  }
}

/** Stops reading with the byte that is too many. */
async function readBody(body: AsyncIterable<Uint8Array>, { maxBytes, status }: { readonly maxBytes: number; readonly status: number }): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new OutgoingError("outgoing.too_large", { detail: `The limit is ${maxBytes} bytes.`, status });
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function plainHeaders(headers: Dispatcher.ResponseData["headers"]): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")] as const);
  return Object.fromEntries(pairs);
}
