/**
 * The chat over HTTP: a Hono app made from the table of routes, with health, metrics and the documents
 * beside it. Same schemas, same errors, same domain as over WebSocket.
 *
 * Bodies are JSON, or MessagePack with `Content-Type: application/msgpack`; replies follow `Accept`.
 */
import { createByteReviver, createValidator, isUserId, jsonCodec, limits, msgpackCodec, SudaError, type Codec } from "@suda/protocol";
import { Hono } from "hono";
import type { HttpScope } from "../../app/app.ts";
import { responseOf } from "../../app/refusal.ts";
import type { ChannelLayerLink } from "../../channel-layer/channel-layer.ts";
import { systemUser, type ChatContext } from "../../chat/context.ts";
import { actorFor, type Caller } from "../../chat/users.ts";
import type { StoreStatus } from "../../store/store-status.ts";
import { renderDocsPage } from "./docs-page.ts";
import { asyncApiDocument, openApiDocument } from "./http-documents.ts";
import type { Route } from "./http-route.ts";
import { routes } from "./http-routes.ts";

export interface ChatHttpEnvironment {
  readonly context: ChatContext;
  readonly isReady: () => boolean;
  readonly isDraining: () => boolean;
  /** The name of this node, where it has one. */
  readonly node: string | undefined;
  readonly status: () => StoreStatus;
  /** Of a layer of several nodes. */
  readonly layerLink: ChannelLayerLink | undefined;
  /** Prometheus' text format. */
  readonly renderMetrics: () => Promise<string>;
  readonly onFailure: (error: unknown) => void;
}

type Env = { Bindings: { scope: HttpScope } };

export function chatHttp(environment: ChatHttpEnvironment): Hono<Env> {
  const app = new Hono<Env>();
  app.use("*", async (c, next) => {
    await next();
    c.header("X-Content-Type-Options", "nosniff");
  });
  for (const row of routes) mountRoute(app, row, environment);

  app.get("/healthz", (c) => {
    const store = environment.status();
    return c.json({ status: store.state === "failed" ? "failed" : "ok", store }, store.state === "failed" ? 503 : 200);
  });
  // A node that does not hear the others stays ready: what it missed is in the logs, and all would leave the balancer in the same moment.
  app.get("/readyz", (c) => {
    const link = environment.layerLink;
    const parts = {
      ...(environment.node === undefined ? {} : { node: environment.node }),
      store: environment.status(),
      ...(link === undefined ? {} : { layer: link.isConnected ? "connected" : "disconnected" }),
    };
    if (environment.isReady()) return c.json({ status: "ready", ...parts });
    return c.json({ status: environment.isDraining() ? "draining" : "not ready", ...parts }, 503);
  });
  app.get("/metrics", async (c) => c.body(await environment.renderMetrics(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }));
  app.get("/openapi.json", (c) => c.json(openApiDocument()));
  app.get("/asyncapi.json", (c) => c.json(asyncApiDocument()));
  app.get("/docs", (c) => {
    c.header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    return c.html(renderDocsPage());
  });
  app.get("/", (c) => c.redirect("/docs"));
  app.notFound(() => responseOf(new SudaError("route.not_found")));
  app.onError((error) => {
    if (error instanceof SudaError) return responseOf(error);
    environment.onFailure(error);
    return responseOf(new SudaError("server.internal"));
  });
  return app;
}

function mountRoute(app: Hono<Env>, row: Route, { context }: ChatHttpEnvironment): void {
  const params = createValidator<Record<string, unknown>>(row.params);
  const query = createValidator<Record<string, unknown>>(row.query);
  const body = row.body === undefined ? undefined : { validator: createValidator<Record<string, unknown>>(row.body), revive: createByteReviver(row.body) };
  app.on(row.method, row.path, async (c) => {
    const request = c.req.raw;
    const actor = await actorFor(context, callerOf(c.env.scope, row));
    const call = {
      context,
      actor,
      params: params.check(parseFields(row.params.properties, Object.entries<string>(c.req.param()))),
      query: query.check(parseFields(row.query.properties, c.env.scope.query)),
      body: {},
    };
    if (body !== undefined) {
      const { codec, value } = await readBody(request);
      call.body = body.validator.check(codec.isText && body.revive !== undefined ? body.revive(value) : value);
    }
    const reply = await row.run(call);
    const codec = (request.headers.get("accept") ?? "").includes("application/msgpack") ? msgpackCodec : jsonCodec;
    return new Response(Buffer.from(codec.encode(reply)), { headers: { "Content-Type": contentTypeOf(codec), "Cache-Control": "no-store" } });
  });
}

/** @throws SudaError auth.required, auth.forbidden, frame.invalid */
function callerOf({ principal, headers }: HttpScope, row: Route): Caller {
  const named = headers.get("suda-user");
  if (named !== null && (!isUserId(named) || named.startsWith("~")))
    throw new SudaError("frame.invalid", "The header Suda-User is not a user id.", { path: "Suda-User" });
  if (principal === undefined) throw new SudaError("auth.required");
  if (principal.kind === "user") {
    if (!isUserId(principal.user)) throw new SudaError("auth.invalid");
    if (named !== null && named !== principal.user) throw new SudaError("auth.forbidden", "Only an API key may act as somebody else.");
    if (row.caller === "backend") throw new SudaError("auth.forbidden", "This route wants an API key.");
    return { user: principal.user, isBackend: false, isSignedBot: principal.isBot === true };
  }
  if (named === null && row.caller === "user")
    throw new SudaError("frame.invalid", "With an API key, this route wants the header Suda-User: the user on whose behalf.", { path: "Suda-User" });
  return { user: named ?? systemUser, isBackend: true, isSignedBot: false };
}

async function readBody(request: Request): Promise<{ readonly codec: Codec; readonly value: unknown }> {
  const codec = codecOfContentType(request.headers.get("content-type"));
  const bytes = await readBytes(request);
  if (!codec.isText) return { codec, value: codec.parse(bytes) };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SudaError("frame.malformed", "The body is not UTF-8.", { cause });
  }
  return { codec, value: codec.parse(text) };
}

function codecOfContentType(header: string | null): Codec {
  const type = (header ?? "").split(";", 1)[0]?.trim().toLowerCase();
  const codec = [jsonCodec, msgpackCodec].find((candidate) => contentTypeOf(candidate) === type);
  if (codec === undefined) throw new SudaError("frame.malformed", "The body's Content-Type is application/json or application/msgpack.");
  return codec;
}

function contentTypeOf(codec: Codec): string {
  return codec.isText ? "application/json" : "application/msgpack";
}

/** Stops reading at the bound, whatever Content-Length claimed. */
async function readBytes(request: Request): Promise<Uint8Array> {
  const tooLarge = new SudaError("frame.too_large", `The request body is over ${limits.frameMaxBytes} bytes.`);
  if (Number(request.headers.get("content-length") ?? 0) > limits.frameMaxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > limits.frameMaxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Fields of path and query as the schema's types; what is no number stays text and is refused by the schema. A field that is repeated is refused. */
function parseFields(properties: Readonly<Record<string, unknown>>, given: Iterable<readonly [string, string]>): Record<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, value] of given) {
    if (fields.has(key)) throw new SudaError("frame.invalid", `/${key} is named twice.`, { path: `/${key}` });
    const type = Object.hasOwn(properties, key) ? (properties[key] as { readonly type?: string }).type : undefined;
    fields.set(key, type === "integer" && /^\d{1,16}$/.test(value) ? Number(value) : value);
  }
  // Not by assignment, which would lose a field that is called __proto__ instead of having it refused.
  return Object.fromEntries(fields);
}
