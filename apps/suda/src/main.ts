/** The command `suda`: finds the subcommand, runs it, and turns what went wrong into two lines and an exit code. */
import { CommandError } from "./command-error.ts";
import { runCommandLine, type CommandTree } from "./command-line.ts";
import { programVersion } from "./program-version.ts";

// Loaded when they are asked for: `suda token` does not wait for the server's code.
const load = {
  dev: async () => (await import("./commands/dev.ts")).devCommand,
  serve: async () => (await import("./commands/serve.ts")).serveCommand,
  chat: async () => (await import("./commands/chat.ts")).chatCommand,
  token: async () => (await import("./commands/token.ts")).tokenCommand,
  config: async () => (await import("./commands/config.ts")).configCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  verify: async () => (await import("./commands/verify.ts")).verifyCommand,
  backup: async () => (await import("./commands/backup.ts")).backupCommand,
  restore: async () => (await import("./commands/restore.ts")).restoreCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  migrate: async () => (await import("./commands/migrate.ts")).migrateCommand,
  store: async () => (await import("./commands/store.ts")).storeCommand,
  lint: async () => (await import("./commands/lint.ts")).lintCommand,
  webhooks: async () => (await import("./commands/webhooks.ts")).webhooksCommand,
  hooks: async () => (await import("./commands/hooks.ts")).hooksCommand,
  version: async () => (await import("./commands/version.ts")).versionCommand,
} as const;

function leaf(name: string, definition: CommandTree["load"]): CommandTree {
  return { name, load: definition, children: {} };
}

const configSubcommand = (name: "doc" | "check" | "env"): CommandTree =>
  leaf(`suda config ${name}`, async () => (await import("./commands/config.ts")).configCommands[name]);

const storeSubcommand = (name: "init"): CommandTree => leaf(`suda store ${name}`, async () => (await import("./commands/store.ts")).storeCommands[name]);

const webhooksSubcommand = (name: "dead-letters" | "replay"): CommandTree =>
  leaf(`suda webhooks ${name}`, async () => (await import("./commands/webhooks.ts")).webhooksCommands[name]);

const hooksSubcommand = (name: "dead-letters" | "replay"): CommandTree =>
  leaf(`suda hooks ${name}`, async () => (await import("./commands/hooks.ts")).hooksCommands[name]);

const tree: CommandTree = {
  name: "suda",
  load: async () => ({ meta: { name: "suda", version: programVersion(), description: "수다 — a chat server for your product" }, subCommands: load }),
  children: {
    ...Object.fromEntries(Object.entries(load).map(([name, definition]) => [name, leaf(`suda ${name}`, definition)])),
    config: {
      name: "suda config",
      load: load.config,
      children: { doc: configSubcommand("doc"), check: configSubcommand("check"), env: configSubcommand("env") },
    },
    store: {
      name: "suda store",
      load: load.store,
      children: { init: storeSubcommand("init") },
    },
    webhooks: {
      name: "suda webhooks",
      load: load.webhooks,
      children: { "dead-letters": webhooksSubcommand("dead-letters"), replay: webhooksSubcommand("replay") },
    },
    hooks: {
      name: "suda hooks",
      load: load.hooks,
      children: { "dead-letters": hooksSubcommand("dead-letters"), replay: hooksSubcommand("replay") },
    },
  },
};

/** Sets `process.exitCode`: 0 done, 1 failed, 2 asked wrongly. */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever reads our output may go away (`suda dev | head -1`); the server stays.
  process.stdout.on("error", (error: Error & { code?: string }) => {
    if (error.code !== "EPIPE") throw error;
  });
  const wanted = args[0] === "--version" || args[0] === "-v" ? ["version", ...args.slice(1)] : args;
  try {
    await runCommandLine(tree, wanted, { isTerminal: process.stdout.isTTY, write: (text) => void process.stdout.write(text) });
  } catch (error) {
    if (error instanceof CommandError) {
      process.stderr.write(`suda: ${error.message}\n→ ${error.fix}\n`);
      process.exit(error.exitCode);
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${stack}\nsuda: this is a fault of Suda's own\n→ Please report it with the lines above\n`);
    process.exit(1);
  }
}
