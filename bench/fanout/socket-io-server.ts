/** Socket.IO with one room, compression off (its default), WebSocket only. Prints `ready URL`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { eventOf } from "./event.ts";

const http = createServer();
const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
let seq = 0;
server.on("connection", async (socket) => {
  await socket.join("room");
  socket.on("message.send", (command: object) => {
    server.to("room").emit("message.created", eventOf(JSON.stringify(command), ++seq));
  });
});
http.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(http.address() as AddressInfo).port}`));
