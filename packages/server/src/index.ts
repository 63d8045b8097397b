/** The Suda server as a library. Contracts have entries of their own: `@suda/server/store`, `/channel-layer`, `/app`. */
export type { ApiKey, AuthenticatorOptions, TokenKey } from "./middleware/authenticator.ts";
export { Authenticator } from "./middleware/authenticator.ts";
export { authenticateHttp, authenticateWebSocket, isBackendRequest } from "./middleware/authentication.ts";
export { allowOrigin, checkOrigin, originRule, type OriginRule } from "./middleware/origin.ts";
export { RateLimiter, rateLimitHttp, rateLimitWebSocket, type RateLimit } from "./middleware/rate-limiter.ts";
export { mountFetch, protocolRouter, urlRouter } from "./routing/routers.ts";
export { SocketServer, type SocketServerOptions } from "./serve/socket-server.ts";
export { defaultConnectionBounds, type ConnectionBounds } from "./serve/served-connection.ts";
export type { Actor, ChatContext, ChatLimits, ChatMetrics } from "./chat/context.ts";
export { exportConversation, exportFormat, exportUser, type ExportLine, type ExportUserOptions } from "./chat/export-user.ts";
export type { BotDefinition } from "./bots/in-process-bot.ts";
export type { AfterCommit, AfterCommitOptions } from "./hooks/after-commit.ts";
export type { BeforeSend, BeforeSendOptions, HookUrl, SendDecision } from "./hooks/before-send.ts";
export { HookOptionsError } from "./hooks/check-hooks.ts";
export type { AskedSend } from "./chat/send-hook.ts";
export { createServer, defaultServerLimits, ownPaths, type ServerHooks, type ServerLimits, type ServerOptions, type SudaServer } from "./suda-server.ts";
export { asyncApiDocument, openApiDocument } from "./consumers/http/http-documents.ts";
export { createLog, type Log, type LogLevel } from "./telemetry/log.ts";
