/**
 * Names to addresses, by DNS and not by the system's `getaddrinfo`: that one runs on Node's pool of four threads, where
 * four names of dead name servers would hold up files and every other bot for as long as they hang.
 * So /etc/hosts and search domains do not count; `localhost` is known without asking (RFC 6761).
 */
import { Resolver as DnsResolver } from "node:dns/promises";
import { OutgoingError } from "./outgoing-error.ts";

export interface Resolver {
  /** All addresses of a name, at least one; none are checked yet. Throws `outgoing.unresolved`. */
  resolve(hostname: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** Milliseconds of one question, and how often it is asked. */
const timeout = 3_000;
const tries = 2;

/** @param servers name servers, `address` or `address:port`; default: the system's (/etc/resolv.conf) */
export function createDnsResolver(servers?: readonly string[]): Resolver {
  return { resolve: (hostname, signal) => resolve(hostname, { servers, signal }) };
}

interface Question {
  readonly servers: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

async function resolve(hostname: string, { servers, signal }: Question): Promise<readonly string[]> {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return ["127.0.0.1", "::1"];
  // One of its own for each name, because cancelling ends all questions of a resolver.
  const resolver = new DnsResolver({ timeout, tries });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    if (signal.aborted) throw new OutgoingError("outgoing.aborted");
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    throw new OutgoingError("outgoing.unresolved", { cause: answers.find((answer) => answer.status === "rejected")?.reason });
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
