// The shop on a server: SUDA_URL=… BOT_TOKEN=… node scripts/run.mjs examples/order-bot/main.ts
import { join } from "node:path";
import { fileStates } from "./file-states.ts";
import { fileOrders } from "./order-book.ts";
import { createOrderBot } from "./order-bot.ts";

const folder = process.env["ORDER_BOT_DATA"] ?? "order-bot-data";
const bot = createOrderBot({
  url: process.env["SUDA_URL"] ?? "http://localhost:8000",
  token: process.env["BOT_TOKEN"],
  states: fileStates(join(folder, "states")),
  orders: fileOrders(join(folder, "orders")),
});
// What is under way ends first. Killed, it goes on from the same place.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void bot[Symbol.asyncDispose]());
await bot.start();
console.log(`${bot.user} is there`);
