/** One connection of @redis/client, which neither comes back by itself nor keeps what cannot go out. */
import { createClient, ErrorReply } from "@redis/client";
import type { RedisCredentials, RedisEndpoint } from "./redis-address.ts";

export type RedisClient = ReturnType<typeof createClient>;

export interface RedisClientOptions {
  readonly endpoint: RedisEndpoint;
  readonly credentials: RedisCredentials;
  readonly isTls: boolean;
  readonly connectTimeoutMs: number;
  readonly onLost: (cause: unknown) => void;
}

export function newRedisClient({ endpoint, credentials, isTls, connectTimeoutMs, onLost }: RedisClientOptions): RedisClient {
  const { host, port } = endpoint;
  const client: RedisClient = createClient({
    ...credentials,
    // Its own coming back would listen again one name at a time, and would queue what is published meanwhile.
    disableOfflineQueue: true,
    maintNotifications: "disabled",
    // By itself an AbortSignal of five seconds for each command, which costs more than all else of a publish. The beat finds what stands still.
    commandOptions: { timeout: 0 },
    socket: { host, port, reconnectStrategy: false, connectTimeout: connectTimeoutMs, noDelay: true, ...(isTls ? { tls: true } : {}) },
  });
  client.on("error", onLost);
  client.on("end", () => onLost(new Error("The connection ended.")));
  return client;
}

export function destroyClient(client: RedisClient): void {
  if (client.isOpen) client.destroy();
}

/** An answer that is true of this place and this moment: another node has it, or none has it now. */
export function isRedirection(error: unknown): boolean {
  return error instanceof ErrorReply && /^(?:MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT|READONLY|MASTERDOWN)\b/.test(error.message);
}

/** Password, user: what waiting does not mend. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply && /^(?:WRONGPASS|NOAUTH|NOPERM)\b|\bAUTH\b/.test(error.message);
}

/** A sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.endsWith(".") ? message : `${message}.`;
}
