/** The client side of Suda, for browsers and Node. */
export { type ClientConversation, type ConversationSnapshot, type SendOptions } from "./client-conversation.ts";
export { type ClientEvents, type LogReset, type LogTruncated } from "./client-events.ts";
export { type NewGroup, type SudaClient } from "./client.ts";
export { type ConnectionState, type Request, type TokenProvider } from "./connection.ts";
export { type ConversationList, type ConversationListSnapshot } from "./conversation-list.ts";
export { type CustomTypes, type MessageData } from "./custom-types.ts";
export { ClientClosed, ConnectionLost, MessageDiscarded, OutboxFull, RequestRefused, type Refusal } from "./errors.ts";
export { toConversationId, toUserId } from "./ids.ts";
export { openIndexedDbOutbox, type IndexedDbFactory } from "./indexed-db-outbox.ts";
export { MemoryOutbox } from "./memory-outbox.ts";
export { type FailedMessage, type Message, type SendingMessage, type StoredMessage } from "./messages.ts";
export { openClient, type ClientOptions } from "./open-client.ts";
export { type Outbox, type OutboxEntry, type SendFailure } from "./outbox.ts";
export { type Presence } from "./presence.ts";
export { type Sending, type Stored } from "./sender.ts";
export { type Observable } from "./snapshot-store.ts";
export { type Transport, type TransportHandlers, type TransportSocket } from "./transport.ts";
export { type WebSocketConstructor, type WebSocketLike } from "./websocket-transport.ts";
