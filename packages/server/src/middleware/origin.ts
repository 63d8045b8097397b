/**
 * Refuses WebSocket handshakes of pages that are not on the list (cross-site WebSocket hijacking, RFC 6455
 * §10.2). Programs that are no browsers send no `Origin` and pass. The comparison is exact: scheme, host, port.
 */
import { SudaError } from "@suda/protocol";
import type { WebSocketApp } from "../app/app.ts";
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
