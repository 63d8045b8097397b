// A bot that says two things to every message, until it is killed: node killed-bot.ts URL TOKEN FOLDER
import { createBot } from "../src/index.ts";
import { fileStates } from "./file-states.ts";

const [url = "", token = "", folder = ""] = process.argv.slice(2);
const bot = createBot<{ count: number }>({ url, token, states: fileStates(folder), initialState: () => ({ count: 0 }) });
bot.on("message", async (ctx) => {
  ctx.state.count++;
  await ctx.reply(`first ${ctx.text}`);
  await ctx.reply(`second ${ctx.text}`);
  console.log(`handled ${ctx.text}`);
});
await bot.start();
console.log("started");
