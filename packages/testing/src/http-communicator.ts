/** Runs an HTTP app in-process, with no socket. */
import type { App, HttpApp, HttpScope, Principal } from "@suda/server/app";

export interface HttpOptions {
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `127.0.0.1`. */
  readonly address?: string;
  /** As if a middleware had put it there. */
  readonly principal?: Principal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown;
}

export class HttpCommunicator {
  readonly #app: HttpApp;
  readonly #options: HttpOptions;

  constructor(app: App | HttpApp, options: HttpOptions = {}) {
    this.#app = typeof app === "function" ? app : app.http;
    this.#options = options;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.request("GET", path, undefined, headers);
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.request("POST", path, body, headers);
  }

  /** @param body an object is sent as JSON; a string or bytes as they are, with the given Content-Type */
  async request(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const response = await this.fetch(path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
    return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
  }

  /** A web-standard request through the app. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, "http://server");
    const headers = new Headers({ ...this.#options.headers, ...Object.fromEntries(new Headers(init.headers)) });
    const request = new Request(url, { ...init, headers });
    const scope: HttpScope = Object.freeze({
      kind: "http",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      client: { address: this.#options.address ?? "127.0.0.1" },
      ...(this.#options.principal === undefined ? {} : { principal: this.#options.principal }),
    });
    return this.#app(scope, request);
  }
}
