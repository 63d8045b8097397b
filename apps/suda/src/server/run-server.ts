/**
 * One server from its configuration to its end: store, keys, sockets, `ready`, and on a signal the way back.
 * `suda dev` and `suda serve` differ only in what they bring along.
 */
import { createLog, createServer, HookOptionsError, type ApiKey, type ServerHooks, type SudaServer, type TokenKey } from "@suda/server";
import type { ChannelLayer } from "@suda/server/channel-layer";
import type { Store } from "@suda/server/store";
import { CommandError, systemErrorCode } from "../command-error.ts";
import { sourceOf, type LoadedConfig } from "../config/load-config.ts";
import type { Config } from "../config/settings.ts";
import { checkNotIncoming } from "../migrate/incoming.ts";
import { removeRunningServer, writeRunningServer } from "../data-directory/running-server.ts";
import { createDataDirectory, readTokenKey } from "../data-directory/token-key.ts";
import { loadHooks } from "./load-hooks.ts";
import { makeNodeName } from "./node-name.ts";
import { openLayer } from "./open-layer.ts";
import { openStore } from "./open-store.ts";
import { configuredTokenKeys, secretKey } from "./token-keys.ts";

/** A program in the same process that comes to the server from outside, by its URL. */
export interface Companion {
  /** Checks its tokens, beside the configured keys. */
  readonly tokenKey: TokenKey;
  /** Its own, for what the product's backend does. */
  readonly apiKey: ApiKey;
  /** JSON Schemas of the custom content that it sends. */
  readonly customKinds: Readonly<Record<string, object>>;
  /** Resolves when it is there. It is disposed of before the server stops. */
  readonly start: (url: string) => Promise<AsyncDisposable>;
}

export interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Demo users and the like, before anybody connects. */
  readonly prepare?: (store: Store) => Promise<void>;
  readonly companion?: Companion;
  /** Whether another port may be taken when the wished one is in use. */
  readonly mayMovePort: boolean;
  /** What is said before the `ready` line. */
  readonly banner?: (address: { readonly port: number; readonly url: string }) => string;
  readonly print: (line: string) => void;
}

/** Ports tried after the default one. */
const portAttempts = 20;

/** Resolves when the server has stopped in order. @throws CommandError when it cannot start */
export async function runServer({ loaded, prepare, companion, mayMovePort, banner, print }: RunOptions): Promise<void> {
  const { config } = loaded;
  const tokenKeys = [...tokenKeysOf(config), ...(companion === undefined ? [] : [companion.tokenKey])];
  await using loadedHooks = await loadHooks(config);
  const { hooks } = loadedHooks;
  createDataDirectory(config.data);
  await using store = await openStore(config);
  await checkNotIncoming(store);
  let report: (error: unknown) => void = () => {};
  const nodeName = config.nodeName ?? makeNodeName();
  await using layer = await openLayer(loaded, { log: createLog(config.logLevel, nodeName), onFailure: (error) => report(error) });
  await using server = createConfiguredServer(loaded, store, { nodeName, layer, tokenKeys, hooks, companion });
  report = server.context.onFailure;
  await prepare?.(store);
  const stopped = stopSignal(print);
  const { port } = await listen(server, config, { mayMovePort, print });
  const url = `http://${urlHost(config.host)}:${port}`;
  await using accompanying = await companion?.start(url);
  writeRunningServer(config.data, url);
  if (banner !== undefined) print(banner({ port, url }));
  print(`ready ${url}`);
  await stopped;
  await accompanying?.[Symbol.asyncDispose]();
  await server.drain(config.drainTimeoutMs);
  removeRunningServer(config.data);
}

/** @throws CommandError `keys.missing`, `keys.invalid` */
function tokenKeysOf(config: Config): readonly TokenKey[] {
  const configured = configuredTokenKeys(config);
  if (configured.length > 0) return configured;
  const own = readTokenKey(config.data);
  if (own !== undefined) return [secretKey(own)];
  throw new CommandError(
    "keys.missing",
    `no key checks users' tokens: none is configured and ${config.data} has none of its own`,
    `Set SUDA_TOKEN_SECRET (or --token-keys, --token-jwks-url), or make a key: suda token USER --data ${config.data}`,
  );
}

interface ServerParts {
  readonly nodeName: string;
  readonly layer: ChannelLayer | undefined;
  readonly tokenKeys: readonly TokenKey[];
  readonly hooks: ServerHooks;
  readonly companion: Companion | undefined;
}

function createConfiguredServer(loaded: LoadedConfig, store: Store, { nodeName, layer, tokenKeys, hooks, companion }: ServerParts): SudaServer {
  const { config } = loaded;
  try {
    return createServer({
      store,
      ...(layer === undefined ? {} : { layer }),
      auth: {
        tokenKeys,
        apiKeys: [
          ...config.apiKeys.map((entry) => ({ name: entry.slice(0, entry.indexOf(":")), key: entry.slice(entry.indexOf(":") + 1) })),
          ...(companion === undefined ? [] : [companion.apiKey]),
        ],
        ...(config.tokenAudience === undefined ? {} : { audience: config.tokenAudience }),
        ...(config.tokenIssuer === undefined ? {} : { issuer: config.tokenIssuer }),
      },
      ...(companion === undefined ? {} : { customKinds: companion.customKinds }),
      allowedOrigins: config.allowedOrigins,
      trustedProxies: config.trustedProxies,
      hooks,
      outgoing: { allow: config.outgoingAllow, refuse: config.outgoingRefuse },
      limits: {
        maxMembers: config.maxMembers,
        maxConnections: config.maxConnections,
        commands: { perSecond: config.commandsPerSecond, burst: config.commandsBurst },
        connects: { perSecond: config.connectsPerSecond, burst: config.connectsBurst },
        requests: { perSecond: config.requestsPerSecond, burst: config.requestsBurst },
      },
      logLevel: config.logLevel,
      nodeName,
    });
  } catch (error) {
    if (error instanceof HookOptionsError) throw hookError(loaded, error);
    // Its own word for keys, origins, proxies and outgoing addresses that cannot be meant.
    if (error instanceof TypeError || error instanceof RangeError)
      throw new CommandError("config", error.message, "See the settings: suda config doc", { cause: error });
    throw error;
  }
}

function hookError({ config, sources }: LoadedConfig, error: HookOptionsError): CommandError {
  const name = error.hook === "beforeSend" ? "beforeSendUrl" : "afterCommitUrl";
  if (config[name] === undefined)
    return new CommandError(
      "config",
      `${sourceOf("hooksModule", sources.hooksModule)}, hooks.${error.hook}: ${error.problem}`,
      `export const hooks = { ${error.hook}: { hook: … } }`,
      { cause: error },
    );
  return new CommandError(
    "config",
    `${sourceOf(name, sources[name])} cannot be called: ${error.problem}`,
    "Addresses of your own network, and http, are called when SUDA_OUTGOING_ALLOW names them: suda config doc",
    { cause: error },
  );
}

async function listen(server: SudaServer, { host, port }: Config, options: Pick<RunOptions, "mayMovePort" | "print">): Promise<{ readonly port: number }> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await server.listen({ host, port: port + attempt });
    } catch (error) {
      const code = systemErrorCode(error);
      const isLast = !options.mayMovePort || attempt >= portAttempts || port + attempt >= 65_535;
      if (code === "EADDRINUSE" && !isLast) {
        options.print(`  port ${port + attempt} is in use; trying ${port + attempt + 1}`);
        continue;
      }
      if (code === undefined) throw error;
      throw listenError(code, host, port + attempt, error);
    }
  }
}

function listenError(code: string, host: string, port: number, cause: unknown): CommandError {
  switch (code) {
    case "EADDRINUSE":
      return new CommandError(
        "port.in_use",
        `port ${port} on ${host} is in use`,
        "Stop what listens there, or choose another: --port 8001 (0 takes any free one)",
        { cause },
      );
    case "EACCES":
      return new CommandError("port.refused", `this user may not listen on port ${port}`, "Choose a port above 1023, and let a proxy take 80 and 443", {
        cause,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new CommandError("port.refused", `${host} is no address of this machine`, "Use --host 127.0.0.1, or --host 0.0.0.0 for all of its addresses", {
        cause,
      });
    default:
      return new CommandError("port.refused", `listening on ${host}:${port} failed (${code})`, "Choose another --host or --port", { cause });
  }
}

/** Where one reaches it from this machine. */
function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::" || host === "localhost") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The first signal ends in order, a second one at once. */
async function stopSignal(print: RunOptions["print"]): Promise<void> {
  await new Promise<void>((resolve) => {
    let isStopping = false;
    const stop = (signal: "SIGINT" | "SIGTERM"): void => {
      // 128 and the signal's number, as a shell reports it.
      if (isStopping) process.exit(signal === "SIGINT" ? 130 : 143);
      isStopping = true;
      print(signal === "SIGINT" ? "stopping; Ctrl-C again stops at once" : "stopping");
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
