/** Bugs of clients, as somebody might write them: what the checks of the fault tests must catch. */
import type { Outbox } from "@suda/client";

export const clientBugs = ["forgetful-outbox", "new-client-id"] as const;
export type ClientBug = (typeof clientBugs)[number];

/** Says that it keeps a message, and has only begun to think of it: what waits at the end of the program is gone. */
export function forgetfulOutbox(inner: Outbox): Outbox {
  return { load: () => inner.load(), put: () => Promise.resolve(), remove: (clientId) => inner.remove(clientId) };
}

/** Tries again under another clientId: a message whose answer was lost is there twice. */
export function renameRetries(): (clientId: string, connection: string) => string {
  const tries = new Map<string, { readonly connection: string; readonly count: number }>();
  return (clientId, connection) => {
    const last = tries.get(clientId);
    const count = last === undefined ? 1 : last.connection === connection ? last.count : last.count + 1;
    tries.set(clientId, { connection, count });
    return count === 1 ? clientId : `${clientId}-${count}`;
  };
}
