/**
 * Who is at the other end: the socket's peer, or, when that is a proxy that the operator named, the last
 * address in `X-Forwarded-For` that is not such a proxy. A header from anybody else is not believed.
 */
import { BlockList, isIP } from "node:net";

export class ProxyTrust {
  readonly #list = new BlockList();

  /**
   * @param proxies addresses or CIDR ranges, such as `10.0.0.0/8` or `::1`; default none
   * @throws TypeError for what is neither
   */
  constructor(proxies: readonly string[]) {
    for (const proxy of proxies) {
      const [address = "", prefix] = proxy.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      const bits = prefix === undefined ? undefined : Number(prefix);
      if (isIP(address) === 0 || (bits !== undefined && !(Number.isInteger(bits) && bits >= 0 && bits <= (family === "ipv6" ? 128 : 32)))) {
        throw new TypeError(`A trusted proxy is an address or a CIDR range such as 10.0.0.0/8; got ${JSON.stringify(proxy)}.`);
      }
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, bits, family);
    }
  }

  addressOf(peer: string, forwardedFor: string | undefined): string {
    let address = unmap(peer);
    if (forwardedFor === undefined) return address;
    const chain = forwardedFor.split(",").map((part) => unmap(part.trim()));
    while (this.#isTrusted(address)) {
      const before = chain.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return address;
  }

  #isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }
}

/** An IPv4 peer on a dual-stack socket shows as `::ffff:127.0.0.1`. */
function unmap(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
