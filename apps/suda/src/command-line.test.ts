import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandDef } from "citty";
import { CommandError } from "./command-error.ts";
import { runCommandLine, type CommandTree } from "./command-line.ts";

function world() {
  const calls: unknown[] = [];
  let printed = "";
  const greet: CommandDef = {
    meta: { name: "greet", description: "Greets" },
    args: { user: { type: "positional", required: true }, "log-level": { type: "string" }, loud: { type: "boolean" } },
    run: ({ args }) => void calls.push([args["user"], args["log-level"], args["loud"]]),
  };
  const tree: CommandTree = {
    name: "suda",
    load: async () => ({ meta: { name: "suda", description: "chat" } }),
    children: { greet: { name: "suda greet", load: async () => greet, children: {} } },
  };
  const run = async (...args: string[]): Promise<void> => {
    await runCommandLine(tree, args, { isTerminal: false, write: (text) => void (printed += text) });
  };
  const refused = async (...args: string[]): Promise<string> => {
    try {
      await run(...args);
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === 2) return `${error.message} → ${error.fix}`;
      throw error;
    }
    return assert.fail(`${args.join(" ")} was taken`);
  };
  return { calls, run, refused, printed: () => printed };
}

test("options are taken with a space or an equals sign, before and after words", async () => {
  const { run, calls } = world();
  await run("greet", "--log-level", "info", "alice", "--loud");
  await run("greet", "bob", "--log-level=--x");
  assert.deepEqual(calls, [
    ["alice", "info", true],
    ["bob", "--x", undefined],
  ]);
});

test("an unknown option or command is refused with what was probably meant", async () => {
  const { refused, calls } = world();
  assert.equal(await refused("greet", "alice", "--log-lvel", "x"), "suda greet has no option --log-lvel → Did you mean --log-level?");
  assert.equal(await refused("gret"), "suda has no command gret → Did you mean suda greet?");
  assert.equal(await refused("toString"), "suda has no command toString → suda --help");
  assert.match(await refused("--verbose"), /no option --verbose/);
  assert.match(await refused("greet", "alice", "-x"), /no option -x/);
  assert.match(await refused("greet", "alice", "--no-loud"), /no option --no-loud/);
  assert.deepEqual(calls, []);
});

test("a missing value, a missing word and a surplus word are refused", async () => {
  const { refused } = world();
  assert.match(await refused("greet", "alice", "--log-level"), /needs a value/);
  assert.match(await refused("greet", "--log-level", "--loud", "alice"), /--log-level=--loud/);
  assert.match(await refused("greet"), /needs USER/);
  assert.match(await refused("greet", "alice", "bob"), /no place for "bob"/);
  assert.match(await refused("greet", "alice", "--loud=yes"), /takes no value/);
  assert.match(await refused(), /needs to know what to do: greet/);
});

test("help is printed plain where output is no terminal, and runs nothing", async () => {
  const { run, printed, calls } = world();
  await run("greet", "--help");
  assert.match(printed(), /USAGE suda greet \[OPTIONS\] <USER>/);
  assert.ok(!printed().includes("\u001b"));
  assert.deepEqual(calls, []);
});
