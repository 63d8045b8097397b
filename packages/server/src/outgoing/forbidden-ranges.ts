/**
 * Addresses that nobody outside of the operator's network may make this server connect to.
 *
 * From the IANA special-purpose registries (RFC 6890; iana-ipv4-special-registry, iana-ipv6-special-registry)
 * and the multicast and reserved blocks. What a registry calls "globally reachable" may be here too, where it is a tunnel
 * that can hide a private IPv4 address (6to4, Teredo, NAT64) or a cloud's metadata service on a public address.
 * In IPv6 the rule is turned round: only global unicast (2000::/3) is public, and the table takes from that.
 */
import { isInRange, parseAddress, parseRange, type IpAddress, type IpRange } from "./ip-address.ts";

interface ForbiddenRange {
  readonly range: string;
  /** For a sentence: "… is a private address (RFC 1918)". */
  readonly kind: string;
}

export const forbiddenRanges: readonly ForbiddenRange[] = [
  { range: "0.0.0.0/8", kind: "an unspecified address (RFC 1122)" },
  { range: "10.0.0.0/8", kind: "a private address (RFC 1918)" },
  { range: "100.64.0.0/10", kind: "a shared address of carriers (RFC 6598)" },
  { range: "127.0.0.0/8", kind: "a loopback address (RFC 1122)" },
  // The metadata services of most clouds are 169.254.169.254.
  { range: "169.254.0.0/16", kind: "a link-local address (RFC 3927)" },
  { range: "172.16.0.0/12", kind: "a private address (RFC 1918)" },
  { range: "192.0.0.0/24", kind: "an address of protocols (RFC 6890)" },
  { range: "192.0.2.0/24", kind: "an address of documentation (RFC 5737)" },
  { range: "192.88.99.0/24", kind: "a 6to4 relay (RFC 7526)" },
  { range: "192.168.0.0/16", kind: "a private address (RFC 1918)" },
  { range: "198.18.0.0/15", kind: "an address of benchmarks (RFC 2544)" },
  { range: "198.51.100.0/24", kind: "an address of documentation (RFC 5737)" },
  { range: "203.0.113.0/24", kind: "an address of documentation (RFC 5737)" },
  { range: "224.0.0.0/4", kind: "a multicast address (RFC 5771)" },
  // With 255.255.255.255, the limited broadcast.
  { range: "240.0.0.0/4", kind: "a reserved address (RFC 1112)" },
  // Azure's platform endpoint: a public address that answers only from inside.
  { range: "168.63.129.16/32", kind: "a metadata service" },
  { range: "::/128", kind: "the unspecified address (RFC 4291)" },
  { range: "::1/128", kind: "the loopback address (RFC 4291)" },
  { range: "::ffff:0:0/96", kind: "IPv4 mapped into IPv6 (RFC 4291)" },
  { range: "::ffff:0:0:0/96", kind: "IPv4 translated into IPv6 (RFC 2765)" },
  { range: "::/96", kind: "IPv4 in compatible IPv6 (RFC 4291)" },
  { range: "64:ff9b::/96", kind: "IPv4 behind NAT64 (RFC 6052)" },
  { range: "64:ff9b:1::/48", kind: "IPv4 behind a local NAT64 (RFC 8215)" },
  { range: "100::/64", kind: "a discard-only address (RFC 6666)" },
  // Teredo 2001::/32, benchmarks 2001:2::/48, ORCHID 2001:10::/28 and 2001:20::/28, and what protocols may get yet.
  { range: "2001::/32", kind: "a Teredo tunnel (RFC 4380)" },
  { range: "2001::/23", kind: "an address of protocols (RFC 2928)" },
  { range: "2001:db8::/32", kind: "an address of documentation (RFC 3849)" },
  { range: "2002::/16", kind: "a 6to4 tunnel (RFC 3056)" },
  { range: "3fff::/20", kind: "an address of documentation (RFC 9637)" },
  { range: "5f00::/16", kind: "a segment of routing (RFC 9602)" },
  { range: "fc00::/7", kind: "a unique local address (RFC 4193)" },
  { range: "fe80::/10", kind: "a link-local address (RFC 4291)" },
  { range: "fec0::/10", kind: "a site-local address (RFC 3879)" },
  { range: "ff00::/8", kind: "a multicast address (RFC 4291)" },
];

const parsed = forbiddenRanges.map(({ range, kind }) => ({ range: knownRange(range), kind }));
const globalUnicast = knownRange("2000::/3");

/** What the address is, when it may not be connected to; `undefined` for a public one. */
export function forbiddenKindOf(address: IpAddress): string | undefined {
  const found = parsed.find(({ range }) => isInRange(address, range));
  if (found !== undefined) return found.kind;
  if (address.length === 4) return undefined;
  if (!isInRange(address, globalUnicast)) return "not a public address (RFC 4291)";
  return isIsatap(address) ? "an ISATAP tunnel (RFC 5214)" : undefined;
}

/** ISATAP hides an IPv4 address in the last four bytes of any prefix: `…:0:5efe:a.b.c.d` or `…:200:5efe:a.b.c.d`. */
function isIsatap(address: IpAddress): boolean {
  return ((address[8] ?? 0) & ~0x02) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
}

function knownRange(text: string): IpRange {
  const range = parseRange(text);
  if (range === undefined) throw new Error(`${text} is no range.`);
  return range;
}

/** Whether a text is an address that may be connected to by anybody. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && forbiddenKindOf(address) === undefined;
}
