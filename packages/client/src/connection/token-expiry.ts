/** Until when a token is good, as far as a client can see. */

/** Epoch ms of a JWT's `exp` (RFC 7519 §4.1.4); `undefined` when it cannot be read, and the server will say when it is over. */
export function expiryOf(token: string): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const { exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { readonly exp?: unknown };
    return typeof exp === "number" ? exp * 1_000 : undefined;
  } catch {
    // Not base64, or not JSON: an opaque token.
    return undefined;
  }
}
