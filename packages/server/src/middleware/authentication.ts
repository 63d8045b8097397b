/**
 * Puts the principal into the scope when the handshake or request carries credentials: `Authorization:
 * Bearer` with a user's token or an API key. Without credentials the scope stays as it is: a WebSocket may
 * still say `hello {token}`, and a route that wants somebody refuses by itself. Credentials never come in
 * the URL, where proxies would log them.
 */
import { SudaError } from "@suda/protocol";
import type { HttpApp, Principal, WebSocketApp } from "../app/app.ts";
import type { Authenticator } from "./authenticator.ts";
import { refusalOf, responseOf } from "../app/refusal.ts";

export function authenticateHttp(authenticator: Authenticator, app: HttpApp): HttpApp {
  return async (scope, request) => {
    const principal = await principalOf(authenticator, scope.headers);
    if (principal instanceof SudaError) return responseOf(principal);
    return app(principal === undefined ? scope : Object.freeze({ ...scope, principal }), request);
  };
}

export function authenticateWebSocket(authenticator: Authenticator, app: WebSocketApp): WebSocketApp {
  return async (scope) => {
    const principal = await principalOf(authenticator, scope.headers);
    if (principal instanceof SudaError) return refusalOf(principal);
    if (principal?.kind === "backend")
      return refusalOf(new SudaError("auth.forbidden", "A WebSocket is a user's: connect with a user's token. Backends use /v1 over HTTP."));
    return app(principal === undefined ? scope : Object.freeze({ ...scope, principal }));
  };
}

/** Whether the request carries one of the host's API keys: the backend speaks for all its users from one address, and is trusted with that. */
export function isBackendRequest(authenticator: Authenticator, headers: Headers): boolean {
  const token = tokenOf(headers.get("authorization") ?? "");
  return token !== undefined && authenticator.backend(token) !== undefined;
}

function tokenOf(header: string): string | undefined {
  return /^bearer ([\x21-\x7e]{1,8192})$/i.exec(header)?.[1];
}

async function principalOf(authenticator: Authenticator, headers: Headers): Promise<Principal | SudaError | undefined> {
  const header = headers.get("authorization");
  if (header === null) return undefined;
  const token = tokenOf(header);
  if (token === undefined) return new SudaError("auth.invalid", "Authorization is: Bearer, one space, and the token or API key.");
  const backend = authenticator.backend(token);
  if (backend !== undefined) return backend;
  try {
    return await authenticator.user(token);
  } catch (error) {
    if (error instanceof SudaError) return error;
    throw error;
  }
}
