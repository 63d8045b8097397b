// Runs one TypeScript program on source, without a build: node scripts/run.mjs FILE [arguments…]
import { spawn } from "node:child_process";

const child = spawn(process.execPath, ["--import", "tsx", "--conditions=suda-source", ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
