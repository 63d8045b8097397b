/**
 * A store whose reads are counted by what was read: what a client, a page or a storm of reconnects costs the store, whichever
 * it is. Everything else goes through as it is.
 */
import type { Store } from "./store.ts";

/** A read of the contract, by its place in it. */
export type StoreRead =
  | "log.readAfter"
  | "log.readBefore"
  | "log.reactedBy"
  | "conversations.get"
  | "conversations.getMany"
  | "conversations.list"
  | "conversations.member"
  | "conversations.getWithMember"
  | "conversations.members"
  | "conversations.memberships"
  | "conversations.membership"
  | "conversations.change"
  | "conversations.hiddenBy"
  | "conversations.withRetention"
  | "conversations.withControl"
  | "users.getMany"
  | "documents.get"
  | "documents.list";

/** @param count called before each read, with how many records are asked for by their names; 1 for a page, whatever its length */
export function countReads(store: Store, count: (read: StoreRead, records: number) => void): Store {
  const { log, conversations, users, documents } = store;
  return {
    ...(store.source === undefined ? {} : { source: store.source }),
    ...(store.target === undefined ? {} : { target: store.target }),
    log: {
      append: (...args) => log.append(...args),
      truncate: (...args) => log.truncate(...args),
      readAfter: (...args) => (count("log.readAfter", 1), log.readAfter(...args)),
      readBefore: (...args) => (count("log.readBefore", 1), log.readBefore(...args)),
      reactedBy: (...args) => (count("log.reactedBy", 1), log.reactedBy(...args)),
    },
    conversations: {
      create: (...args) => conversations.create(...args),
      advanceRead: (...args) => conversations.advanceRead(...args),
      advanceDelivered: (...args) => conversations.advanceDelivered(...args),
      updateMember: (...args) => conversations.updateMember(...args),
      hideMessage: (...args) => conversations.hideMessage(...args),
      get: (...args) => (count("conversations.get", 1), conversations.get(...args)),
      getMany: (ids) => (count("conversations.getMany", ids.length), conversations.getMany(ids)),
      list: (...args) => (count("conversations.list", 1), conversations.list(...args)),
      member: (...args) => (count("conversations.member", 1), conversations.member(...args)),
      getWithMember: (...args) => (count("conversations.getWithMember", 1), conversations.getWithMember(...args)),
      members: (...args) => (count("conversations.members", 1), conversations.members(...args)),
      memberships: (...args) => (count("conversations.memberships", 1), conversations.memberships(...args)),
      membership: (...args) => (count("conversations.membership", 1), conversations.membership(...args)),
      change: (...args) => (count("conversations.change", 1), conversations.change(...args)),
      hiddenBy: (...args) => (count("conversations.hiddenBy", 1), conversations.hiddenBy(...args)),
      withRetention: (...args) => (count("conversations.withRetention", 1), conversations.withRetention(...args)),
      withControl: (...args) => (count("conversations.withControl", 1), conversations.withControl(...args)),
    },
    users: {
      getMany: (ids) => (count("users.getMany", ids.length), users.getMany(ids)),
      ensure: (...args) => users.ensure(...args),
      update: (...args) => users.update(...args),
    },
    documents: {
      get: (...args) => (count("documents.get", 1), documents.get(...args)),
      put: (...args) => documents.put(...args),
      delete: (...args) => documents.delete(...args),
      list: (...args) => (count("documents.list", 1), documents.list(...args)),
    },
    status: () => store.status(),
    ...(store.stats === undefined ? {} : { stats: store.stats.bind(store) }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
