/**
 * Which pages may connect. WebSocket handshakes of others are refused (cross-site WebSocket hijacking, RFC 6455
 * §10.2); for HTTP the browser is told (CORS, Fetch Standard §3.2), on refusals too, so that a page can read why.
 * Programs that are no browsers send no `Origin` and pass. The comparison is exact: scheme, host, port.
 */
import { SudaError } from "@suda/protocol";
import type { HttpApp, WebSocketApp } from "../app/app.ts";
import { refusalOf } from "../app/refusal.ts";

/** Decides for one `Origin` header; `host` is the request's own `Host`. */
export type OriginRule = (origin: string, host: string | null) => boolean;

/**
 * @param allowed origins such as `https://app.example.com`, or the single element `*` for any page
 * @throws TypeError for what is no origin
 */
export function originRule(allowed: readonly string[]): OriginRule {
  if (allowed.includes("*")) return () => true;
  const list = new Set(
    allowed.map((origin) => {
      const url = URL.canParse(origin) ? new URL(origin) : undefined;
      if (url === undefined || url.origin === "null")
        throw new TypeError(`An allowed origin is like https://app.example.com, without a path; got ${JSON.stringify(origin)}.`);
      return url.origin;
    }),
  );
  // The server's own pages always may.
  return (origin, host) => list.has(origin) || (host !== null && (origin === `https://${host}` || origin === `http://${host}`));
}

export function checkOrigin(rule: OriginRule, app: WebSocketApp): WebSocketApp {
  return (scope) => {
    const origin = scope.headers.get("origin");
    if (origin !== null && !rule(origin, scope.headers.get("host"))) {
      return refusalOf(new SudaError("origin.forbidden", "This page's origin may not connect; add it to allowedOrigins in the server's configuration."));
    }
    return app(scope);
  };
}

/** Answers preflights and marks every response for the pages that may read it. Outermost, so that no refusal lacks the mark. */
export function allowOrigin(rule: OriginRule, app: HttpApp): HttpApp {
  return async (scope, request) => {
    const origin = request.headers.get("origin");
    const isAllowed = origin !== null && rule(origin, request.headers.get("host"));
    const isPreflight = request.method === "OPTIONS" && request.headers.has("access-control-request-method");
    const response = isPreflight ? new Response(null, { status: 204 }) : await app(scope, request);
    response.headers.append("Vary", "Origin");
    if (!isAllowed) return response;
    response.headers.set("Access-Control-Allow-Origin", origin);
    if (isPreflight) {
      response.headers.set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
      response.headers.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Suda-User");
      response.headers.set("Access-Control-Max-Age", "600");
    } else {
      response.headers.set("Access-Control-Expose-Headers", "Retry-After");
    }
    return response;
  };
}
