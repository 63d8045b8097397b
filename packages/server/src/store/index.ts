/** The store's contract, what every driver computes alike, and the memory driver. */
export { chainHash, digestOf, effectsOf, emptyHash, isCountable, type ChainedEntry, type Effect } from "./log-entry.ts";
export { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { patchFields, planAppend, type AppendPlan, type AppendView } from "./plan-append.ts";
export type {
  AppendOptions,
  AppendOutcome,
  ConversationRecord,
  ConversationStore,
  Draft,
  Head,
  LogBody,
  LogEntry,
  LogStore,
  Membership,
  MemberRecord,
  NewConversation,
  Store,
  StoreStatus,
  UserPatch,
  UserRecord,
  UserStore,
} from "./store.ts";
export { verifyStore, type Finding, type FindingKind, type Verified } from "./verify-store.ts";
