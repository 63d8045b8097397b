/**
 * IP addresses and ranges as bytes, so that two spellings of one address cannot differ for a check.
 * Only what a look-up or a URL can hold; zone ids (`fe80::1%eth0`) are not addresses here.
 */
import { isIPv4, isIPv6 } from "node:net";

/** 4 or 16 bytes. IPv4 in IPv6 (`::ffff:10.0.0.1`) stays IPv6: nothing is unwrapped behind a check's back. */
export type IpAddress = Uint8Array;

export interface IpRange {
  readonly address: IpAddress;
  /** Leading bits that must agree. */
  readonly prefix: number;
}

/** `undefined` for what is not exactly one address. */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [before = "", after] = text.split("::");
  const head = bytesOfGroups(before);
  const tail = bytesOfGroups(after ?? "");
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. Bits beyond the prefix must be zero, because `10.1.2.3/8` is a typing error. */
export function parseRange(text: string): IpRange | undefined {
  const [name = "", length, ...rest] = text.split("/");
  const address = parseAddress(name);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.length * 8;
  if (length === undefined) return { address, prefix: bits };
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  const prefix = Number(length);
  const isClean = address.every((byte, index) => (byte & ~maskOf(prefix, index) & 0xff) === 0);
  return isClean ? { address, prefix } : undefined;
}

export function isInRange(address: IpAddress, range: IpRange): boolean {
  if (address.length !== range.address.length) return false;
  return address.every((byte, index) => ((byte ^ (range.address[index] ?? 0)) & maskOf(range.prefix, index)) === 0);
}

/** The bits of byte `index` that a prefix covers. */
function maskOf(prefix: number, index: number): number {
  const covered = Math.min(Math.max(prefix - index * 8, 0), 8);
  return (0xff << (8 - covered)) & 0xff;
}

function bytesOfGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
