/**
 * The first look at a URL that somebody has registered: its form. Whether its address may be called is known only when
 * it is connected, and decided there; what is refused here is refused early, while a person can correct it.
 */
import { isIP } from "node:net";
import type { AddressPolicy } from "./address-policy.ts";
import { OutgoingError } from "./outgoing-error.ts";

export interface CheckedUrl {
  /** `https://host:port`, as WHATWG writes it. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

/** As templates have it: TEMPLATES, "URLs ≤ 2,000". */
const maxLength = 2_000;

/** Throws `outgoing.refused_url`, `outgoing.refused_port` or, for an address that is written out, `outgoing.refused_address`. */
export function checkUrl(text: string, policy: AddressPolicy): CheckedUrl {
  if (text.length > maxLength) throw refused(`It is longer than ${maxLength} characters.`);
  // WHATWG drops tabs and turns backslashes round; a URL that needs this was made to be read in two ways.
  if (/[\s\\\p{Cc}\p{Cf}]/u.test(text) || !text.isWellFormed()) throw refused("It holds a space, a backslash or a control character.");
  if (!URL.canParse(text)) throw refused("It cannot be read.");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refused("It is not https.");
  const authority = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) throw refused("It has no // before its host.");
  if (authority.includes("@")) throw refused("It holds a user name or password.");
  if (text.includes("#")) throw refused("It holds a fragment, which is never sent.");
  const { hostname } = url;
  if (hostname.endsWith(".")) throw refused("Its host ends in a dot.");
  const address = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  const isEncrypted = url.protocol === "https:";
  const port = Number(url.port || (isEncrypted ? 443 : 80));
  if (port === 0) throw new OutgoingError("outgoing.refused_port", { detail: "The port is 0." });
  if (isIP(address) !== 0) {
    const refusal = policy.refusalOf({ address, port, isEncrypted });
    if (refusal !== undefined) throw refusal;
    // 0x08080808, 134744072 and 8.8.2056 are all 8.8.8.8; nobody writes it so who wants to be understood.
    if (authority.replace(/:\d*$/, "").toLowerCase() !== hostname) throw refused("Its address is not written in the usual form.");
  } else {
    const answer = policy.couldUse({ port, isEncrypted });
    if (answer === "scheme") throw refused("It is not https.");
    if (answer === "port") throw new OutgoingError("outgoing.refused_port", { detail: `The port is ${port}.` });
  }
  return { origin: url.origin, path: url.pathname + url.search };
}

function refused(detail: string): OutgoingError {
  return new OutgoingError("outgoing.refused_url", { detail });
}
