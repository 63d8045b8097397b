/**
 * Routers are apps: ② of the path of a message. The protocol router puts the two kinds side by side, the
 * URL router picks a WebSocket app by its path. HTTP routes have a router of their own: a Hono app mounts
 * with {@link mountFetch}.
 */
import { SudaError } from "@suda/protocol";
import type { App, HttpApp, HttpScope, WebSocketApp } from "../app/app.ts";
import { refusalOf } from "../app/refusal.ts";

/** The whole program from its two halves. */
export function protocolRouter(apps: { readonly http: HttpApp; readonly websocket: WebSocketApp }): App {
  return apps;
}

/** WebSocket apps by exact path; any other path is refused with 404 before there is a connection. */
export function urlRouter(routes: Readonly<Record<string, WebSocketApp>>): WebSocketApp {
  const table = new Map(Object.entries(routes));
  return (scope) => {
    const app = table.get(scope.path);
    if (app === undefined)
      return refusalOf(new SudaError("route.not_found", `No WebSocket is served at this path; there is one at ${[...table.keys()].join(", ")}.`));
    return app(scope);
  };
}

/** Anything with a web-standard `fetch` (a Hono app, say) as an HTTP app. The scope arrives as `env.scope`. */
export function mountFetch(target: { fetch(request: Request, env: { readonly scope: HttpScope }): Response | Promise<Response> }): HttpApp {
  return (scope, request) => target.fetch(request, { scope });
}
