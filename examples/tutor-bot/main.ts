// The tutor on a server: SUDA_URL=… BOT_TOKEN=… node scripts/run.mjs examples/tutor-bot/main.ts
import { createTutorBot } from "./tutor-bot.ts";

const bot = createTutorBot({ url: process.env["SUDA_URL"] ?? "http://localhost:8000", token: process.env["BOT_TOKEN"] });
await bot.start();
console.log(`${bot.user} is there`);
