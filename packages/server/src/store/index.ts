/** The store's contract, what every driver computes alike, and the memory driver. */
export { annotate, eraseBody, erasedContent, isErased, isMessageChange, pinsAfter } from "./annotations.ts";
export { chainHash, digestOf, effectsOf, emptyHash, isCountable, type ChainedEntry, type Effect } from "./log-entry.ts";
export { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { patchFields, planAppend, type AppendPlan, type AppendView, type ReactionMark } from "./plan-append.ts";
export type {
  Annotation,
  AppendOptions,
  AppendOutcome,
  ChangeRefusal,
  ConversationRecord,
  ConversationStore,
  Draft,
  Head,
  LogBody,
  LogEntry,
  LogStore,
  Membership,
  MemberRecord,
  MessageChangeBody,
  NewConversation,
  Store,
  StoreStatus,
  UserPatch,
  UserRecord,
  UserStore,
} from "./store.ts";
export { verifyStore, type Finding, type FindingKind, type Verified } from "./verify-store.ts";
