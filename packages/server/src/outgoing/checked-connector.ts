/**
 * Opens the socket of an outgoing request; the only place of the outgoing code that does. The address is checked inside of the socket's
 * own look-up, so what was checked is what is connected: a name that answers differently the next time (rebinding)
 * is not asked a next time.
 *
 * How it really is (Node 20 `lib/net.js`, undici `lib/core/connect.js`):
 * - A host that is an address never reaches `lookup`. It is checked before the socket is made.
 * - With `autoSelectFamily` (on by default in Node 20) the look-up is asked for all addresses, and the socket tries one after the
 *   other. So all are checked, and one that is refused refuses the name: a name with one private address is either a
 *   mistake or an attack, and in neither case is half of it right.
 * - A connection that is used again is not looked up again, and needs not: it stays with the address that was checked.
 *
 * Idea: smokescreen and Go's `net.Dialer.Control`, which check at the same place.
 */
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { buildConnector } from "undici";
import type { AddressPolicy } from "./address-policy.ts";
import { OutgoingError } from "./outgoing-error.ts";
import type { Resolver } from "./resolver.ts";

export interface CheckedConnectorOptions {
  readonly policy: AddressPolicy;
  readonly resolver: Resolver;
  /** Certificates of authorities (PEM) beside the usual ones. */
  readonly ca: readonly string[];
  /** Ends the look-up. */
  readonly signal: AbortSignal;
  /** Told of the socket when it begins to connect, so that its owner can destroy it before it is connected. */
  readonly onSocket: (socket: Socket) => void;
}

/** More is no honest name's answer. */
const maxAddresses = 32;

export function createCheckedConnector({ policy, resolver, ca, signal, onSocket }: CheckedConnectorOptions): buildConnector.connector {
  return function connect(options, callback) {
    const isEncrypted = options.protocol === "https:";
    const port = Number(options.port || (isEncrypted ? 443 : 80));
    const refusalOf = (address: string): OutgoingError | undefined => policy.refusalOf({ address, port, isEncrypted });
    if (isIP(options.hostname) !== 0) {
      const refusal = refusalOf(options.hostname);
      if (refusal !== undefined) {
        callback(refusal, null);
        return;
      }
    }
    const checkedAddresses = async (hostname: string): Promise<readonly LookupAddress[]> => {
      const found = (await resolver.resolve(hostname, signal)).slice(0, maxAddresses);
      const refusal = found.map(refusalOf).find((one) => one !== undefined);
      if (refusal !== undefined) throw refusal;
      return found.map((address) => ({ address, family: isIP(address) }));
    };
    const lookUp: LookupFunction = (hostname, { all }, done) => void answer(checkedAddresses(hostname), all === true, done);
    const open = buildConnector({
      lookup: lookUp,
      autoSelectFamily: true,
      allowH2: false,
      maxCachedSessions: 0,
      // The request's total time ends it.
      timeout: 0,
      ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
    }) as (...of: Parameters<buildConnector.connector>) => Socket;
    onSocket(open(options, callback));
  };
}

/** A look-up's answer in the form in which the socket asked for it. */
async function answer(addresses: Promise<readonly LookupAddress[]>, isForAll: boolean, done: Parameters<LookupFunction>[2]): Promise<void> {
  let found: readonly LookupAddress[];
  try {
    found = await addresses;
  } catch (error) {
    done(error instanceof OutgoingError ? error : new OutgoingError("outgoing.unresolved", { cause: error }), []);
    return;
  }
  const [first] = found;
  if (first === undefined) done(new OutgoingError("outgoing.unresolved"), []);
  else if (isForAll) done(null, [...found]);
  else done(null, first.address, first.family);
}
