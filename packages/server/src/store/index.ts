/** The store's contract, what every driver computes alike, and the memory driver. */
export { annotate, eraseBody, erasedContent, isErased, isMessageChange, pinsAfter } from "./annotations.ts";
export { documentCollections, type DocumentCollection, type DocumentCondition, type DocumentRecord, type DocumentStore } from "./document-store.ts";
export { controlAfter, isOutOfControl, type ControlChangedBody, type Controlled, type ControlRecord } from "./control.ts";
export {
  checkDocumentKey,
  checkDocumentLimit,
  documentKeyMaxLength,
  documentMaxBytes,
  documentOf,
  documentPageMax,
  encodeDocument,
  meetsCondition,
  type StoredDocument,
} from "./documents.ts";
export { type Finding, type FindingKind } from "./finding.ts";
export { inParallel } from "./in-parallel.ts";
export { type InteractionBody } from "./interaction-body.ts";
export { canonicalJson, chainHash, countUnread, digestOf, effectsOf, emptyHash, isCountable, type ChainedEntry, type Effect } from "./log-entry.ts";
export { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { MoveSourceDamaged, StoreMove, type MoveVerdict, type PassResult, type StoreMoveOptions } from "./move-store.ts";
export { patchFields, planAppend, storedKeyOf, type AppendPlan, type AppendView, type ReactionMark } from "./plan-append.ts";
export { planCreation, type CreationPlan } from "./plan-creation.ts";
export { planDelivered, planRead, planSettings, type ReadView } from "./plan-member.ts";
export { planTruncation, withHides, type HideMark, type TruncationPlan, type TruncationView } from "./plan-truncation.ts";
export type {
  Annotation,
  AppendOptions,
  AppendOutcome,
  ChangeRefusal,
  ConversationPatch,
  ConversationRecord,
  ConversationStore,
  ConversationWithMember,
  Draft,
  Floor,
  Head,
  HideOutcome,
  LogBody,
  LogEntry,
  LogStore,
  MemberPatch,
  Membership,
  MemberRecord,
  MessageChangeBody,
  NewConversation,
  RefusalReason,
  Store,
  StoredKey,
  UserPatch,
  UserRecord,
  UserStore,
} from "./store.ts";
export { StoreCorruptError, StoreOpenError, type CorruptPlace, type StoreOpenCode } from "./store-errors.ts";
export type { StoreStats, StoreStatus } from "./store-status.ts";
export type {
  CreationKey,
  LeftKey,
  MovedConversation,
  MovedUser,
  StandingHide,
  StandingReaction,
  StoreSource,
  StoreTarget,
} from "./store-moving.ts";
export { conversationPages, documentsOf, entryPages, memberPages, pagesOf } from "./read-whole.ts";
export { decodeRecord, encodeRecord, plainAnnotation, plainBody } from "./stored-record.ts";
export { verifyStore, type Verified } from "./verify-store.ts";
