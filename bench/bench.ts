/**
 * `npm run bench -- fanout|send|connections|store [options]`: what Suda costs and how fast it is, with the load generator and
 * every server in processes of their own. See bench/README.md for how to read it.
 */
import { parseArgs } from "node:util";
import { runConnectionsBench } from "./connections/connections.ts";
import { runFanoutBench } from "./fanout/fanout.ts";
import { runSendBench } from "./send/send.ts";
import { runStoreBench } from "./store/store.ts";

const usage = `Usage:
  npm run bench -- fanout [--members 1000] [--messages 300] [--senders 10] [--bursts 5] [--runs 3] [--only suda,ws,socket.io] [--profile DIR]
  npm run bench -- send   [--senders 1,64,512] [--seconds 5] [--runs 3] [--data DIR] [--profile DIR]
  npm run bench -- connections [--connections 2000] [--conversations 20] [--seconds 30]
  npm run bench -- store  [--senders 1,8,64] [--seconds 5] [--runs 3] [--nodes 1]
All write bench/results/; --no-save does not.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    members: { type: "string", default: "1000" },
    messages: { type: "string", default: "300" },
    senders: { type: "string" },
    bursts: { type: "string", default: "5" },
    runs: { type: "string", default: "3" },
    seconds: { type: "string" },
    only: { type: "string" },
    connections: { type: "string", default: "2000" },
    conversations: { type: "string", default: "20" },
    data: { type: "string" },
    nodes: { type: "string", default: "1" },
    profile: { type: "string" },
    "no-save": { type: "boolean", default: false },
  },
});

const shared = { runs: Number(values.runs), isSaved: !values["no-save"], ...(values.profile === undefined ? {} : { profileDirectory: values.profile }) };
const [command] = positionals;
if (command === "fanout") {
  await runFanoutBench({
    ...shared,
    members: Number(values.members),
    messages: Number(values.messages),
    senders: Number(values.senders ?? "10"),
    bursts: Number(values.bursts),
    ...(values.only === undefined ? {} : { only: values.only.split(",") }),
  });
} else if (command === "send") {
  await runSendBench({
    ...shared,
    senders: (values.senders ?? "1,64,512").split(",").map(Number),
    seconds: Number(values.seconds ?? "5"),
    ...(values.data === undefined ? {} : { parentDirectory: values.data }),
  });
} else if (command === "connections") {
  const { isSaved } = shared;
  const [connections, conversations] = [Number(values.connections), Number(values.conversations)];
  await runConnectionsBench({ connections, conversations, seconds: Number(values.seconds ?? "30"), isSaved });
} else if (command === "store") {
  const { isSaved, runs } = shared;
  await runStoreBench({
    isSaved,
    runs,
    nodes: Number(values.nodes),
    senders: (values.senders ?? "1,8,64").split(",").map(Number),
    seconds: Number(values.seconds ?? "5"),
  });
} else {
  console.error(usage);
  process.exitCode = 2;
}
