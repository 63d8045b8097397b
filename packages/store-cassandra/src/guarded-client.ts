/**
 * The driver's client, without two faults of cassandra-driver 4.10.0 when connections break in quick succession (both seen with
 * a proxy that resets them every 100 ms):
 * - The control connection is refreshed from a timer and from the end of a socket, side by side and without a handler: one
 *   finds what the other took away, and the TypeError ends the process as an unhandled rejection. Here one refreshing follows
 *   the other, and one that fails is tried again.
 * - Hosts that were replaced go on trying to connect after the client was shut down, and keep a process alive. Here they are
 *   shut down once more at the end.
 */
import { Client, type ClientOptions } from "cassandra-driver";

const retryDelayMs = 1_000;

/** What is used of the driver's insides; each may be missing in another version. */
interface ControlConnection {
  _refresh?: (hosts?: unknown) => Promise<void>;
  _isShuttingDown?: boolean;
  readonly hosts?: { on(event: "add", listener: (host: InnerHost) => void): void };
}

interface InnerHost {
  shutdown?(waitForPending: boolean): Promise<void>;
}

export function guardedClient(options: ClientOptions): Client {
  const client = new Client(options);
  const control = (client as unknown as { readonly controlConnection?: ControlConnection }).controlConnection;
  const hosts = new Set<InnerHost>();
  control?.hosts?.on("add", (host) => hosts.add(host));
  if (control?._refresh !== undefined) guard(control, control._refresh.bind(control));
  const shutdown = client.shutdown.bind(client);
  client.shutdown = async () => {
    await shutdown();
    // Not waited for: one that is closing already may never say that it has.
    for (const host of hosts) host.shutdown?.(false).catch(() => {});
  };
  return client;
}

function guard(control: ControlConnection, refresh: (hosts?: unknown) => Promise<void>): void {
  let running: Promise<void> | undefined;
  let isWanted = false;
  const run = async (): Promise<void> => {
    do {
      isWanted = false;
      try {
        await refresh();
      } catch {
        if (control._isShuttingDown === true) return;
        await new Promise<void>((resolve) => void setTimeout(resolve, retryDelayMs).unref());
        isWanted = true;
      }
    } while (isWanted && control._isShuttingDown !== true);
    running = undefined;
  };
  control._refresh = async (hosts) => {
    // Its own going on with the next host, within a refreshing.
    if (hosts !== undefined) return refresh(hosts);
    isWanted = true;
    running ??= run();
    return running;
  };
}
