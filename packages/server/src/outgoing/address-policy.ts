/**
 * Which addresses, ports and schemes outgoing requests may use. Asked in the socket's look-up
 * (checked-connector.ts) with what is about to be connected, and never with a name.
 *
 * Public addresses: https, on the policy's ports. Addresses on the operator's allow-list: http too, and any port unless
 * the entry names one.
 */
import { forbiddenKindOf } from "./forbidden-ranges.ts";
import { isInRange, parseAddress, parseRange, type IpRange } from "./ip-address.ts";
import { OutgoingError } from "./outgoing-error.ts";

export interface AddressPolicyOptions {
  /**
   * Addresses and ranges of the operator's own that may be called although they are not public: `10.1.2.3`, `10.1.0.0/16`,
   * `fd00:1::/32`, each with a port if only that one is meant: `10.1.2.3:8080`, `[fd00::1]:8080`. Default: none.
   */
  readonly allow?: readonly string[];
  /** Ranges that may not be called although they are public, such as the operator's own; stronger than `allow`. Default: none. */
  readonly refuse?: readonly string[];
  /** Ports of public addresses. Default: 443 and 8443, so that a mail server or a database is never spoken to. */
  readonly ports?: readonly number[];
}

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly isEncrypted: boolean;
}

interface AllowedRange extends IpRange {
  readonly port: number | undefined;
}

export class AddressPolicy {
  readonly #allow: readonly AllowedRange[];
  readonly #refuse: readonly IpRange[];
  readonly #ports: ReadonlySet<number>;

  /** Throws a RangeError for an entry that is no address, range or port: a mistake of the configuration. */
  constructor({ allow = [], refuse = [], ports = [443, 8443] }: AddressPolicyOptions = {}) {
    this.#allow = allow.map(parseAllowed);
    this.#refuse = refuse.map((text) => parseRange(text) ?? failEntry(text));
    for (const port of ports) if (!isPort(port)) throw new RangeError(`${port} is no port: 1 to 65535.`);
    this.#ports = new Set(ports);
  }

  /** Whether a URL may be good at all, before its address is known: with an allow-list that is seen when it is connected. */
  couldUse({ port, isEncrypted }: Omit<Target, "address">): "yes" | "scheme" | "port" {
    if (this.#allow.length > 0) return "yes";
    if (!isEncrypted) return "scheme";
    return this.#ports.has(port) ? "yes" : "port";
  }

  /** The refusal of a target, or `undefined`. An address that cannot be parsed is refused. */
  refusalOf({ address: text, port, isEncrypted }: Target): OutgoingError | undefined {
    const address = parseAddress(text);
    if (address === undefined)
      return new OutgoingError("outgoing.refused_address", { detail: "The name server gave something that is no address.", address: text });
    if (this.#refuse.some((range) => isInRange(address, range))) {
      return new OutgoingError("outgoing.refused_address", { detail: "It is an address that the operator refuses.", address: text });
    }
    if (this.#allow.some((range) => isInRange(address, range) && (range.port ?? port) === port)) return undefined;
    const kind = forbiddenKindOf(address);
    if (kind !== undefined) return new OutgoingError("outgoing.refused_address", { detail: `It is ${kind}.`, address: text });
    if (!isEncrypted) return new OutgoingError("outgoing.refused_url", { detail: "Public addresses are called by https only." });
    if (!this.#ports.has(port)) return new OutgoingError("outgoing.refused_port", { detail: `The port is ${port}.` });
    return undefined;
  }
}

function parseAllowed(text: string): AllowedRange {
  const [, bracketed, bracketedPort] = /^\[([^\]]*)\]:(\d{1,5})$/.exec(text) ?? [];
  const [, plain, plainPort] = /^([\d.]+(?:\/\d+)?):(\d{1,5})$/.exec(text) ?? [];
  const port = bracketedPort ?? plainPort;
  const range = parseRange(bracketed ?? plain ?? text) ?? failEntry(text);
  if (port === undefined) return { ...range, port: undefined };
  return isPort(Number(port)) ? { ...range, port: Number(port) } : failEntry(text);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function failEntry(text: string): never {
  throw new RangeError(`${JSON.stringify(text)} is no address or range. Write 10.1.2.3, 10.1.0.0/16, 10.1.2.3:8080, fd00:1::/32 or [fd00::1]:8080.`);
}
