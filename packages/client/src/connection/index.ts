/**
 * The connection alone, for programs that keep no copies of logs and have their cursors elsewhere, as the bot SDK: token,
 * hello, requests and their answers, coming back.
 */
export { Connection, type ConnectionListener, type ConnectionOptions } from "./connection.ts";
export { createWebSocketTransport } from "./websocket-transport.ts";
export { newClientId } from "../ids.ts";
