/**
 * Who of several processes on one store does something: the one whose name is in a document, until its time is over. What
 * holds: as long as clocks agree to within the lease and no holder stands still for longer than it, there is one. Whoever builds on it
 * must bear two for a moment, as a process that stood still does not know it yet.
 */
import type { Clock } from "@suda/protocol";
import type { DocumentStore } from "../store/document-store.ts";

export interface LeaseOptions {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  /** Unique per process and start. */
  readonly holder: string;
  /** 0: no other process is on the store, and nothing is written. */
  readonly leaseMs: number;
}

/** Takes the lease, or makes one's own last longer. @returns whether it is held now */
export async function holdLease({ documents, clock, holder, leaseMs }: LeaseOptions, key: string): Promise<boolean> {
  if (leaseMs === 0) return true;
  const document = await documents.get("deliveries", key);
  const now = clock.now();
  const { holder: other, until = 0 } = (document?.value ?? {}) as { readonly holder?: string; readonly until?: number };
  if (other !== undefined && other !== holder && until > now) return false;
  const { outcome } = await documents.put("deliveries", key, { holder, until: now + leaseMs }, { ifVersion: document?.version ?? 0 });
  return outcome === "stored";
}

/** So that another one need not wait until it is over. */
export async function leaveLease({ documents, holder, leaseMs }: LeaseOptions, key: string): Promise<void> {
  if (leaseMs === 0) return;
  const document = await documents.get("deliveries", key);
  if (document?.value["holder"] === holder) await documents.delete("deliveries", key, { ifVersion: document.version });
}
