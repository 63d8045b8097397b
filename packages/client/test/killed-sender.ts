// A program that writes messages until it is killed: node killed-sender.ts URL TOKEN CONVERSATION OUTBOX FIRST
import { WebSocket } from "ws";
import { openClient } from "../src/index.ts";
import { openFileOutbox } from "../src/node/index.ts";

const [url = "", token = "", conversation = "", path = "", first = "0"] = process.argv.slice(2);
const client = await openClient({ url, tokenProvider: () => token, WebSocket, outbox: await openFileOutbox(path) });
const room = client.conversation(conversation);
for (let n = Number(first); n < Number(first) + 400; n++) {
  room.sendText(`${n}`).stored.then(
    ({ seq }) => console.log(`${seq} ${n}`),
    () => {},
  );
  if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
