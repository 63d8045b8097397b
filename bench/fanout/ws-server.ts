/** What one writes first: `ws`, and a loop that sends every message to every client. Prints `ready URL`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { eventOf } from "./event.ts";

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
let seq = 0;
server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    const event = JSON.stringify(eventOf(data.toString(), ++seq));
    for (const client of server.clients) client.send(event);
  });
});
http.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(http.address() as AddressInfo).port}`));
