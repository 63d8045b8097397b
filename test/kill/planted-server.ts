/**
 * A server with a planted bug, for proving that the checker can fail: `--bug NAME --data DIR`. Built from the
 * packages as a host product would build its own, with a faulty store between the chat and LMDB. Never in
 * product code.
 */
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "@suda/server";
import { MemoryChannelLayer, type ChannelLayer } from "@suda/server/channel-layer";
import type { Store } from "@suda/server/store";
import { openLmdbStore } from "@suda/store-lmdb";
import { ackBeforeCommit, fanOutBeforeCommit, noDeduplication, writeBehind } from "./planted-stores.ts";
import { plantedBugs, type PlantedBug } from "./servers.ts";

const plant: Readonly<Record<PlantedBug, (store: Store, layer: ChannelLayer) => Store>> = {
  "ack-before-commit": (store) => ackBeforeCommit(writeBehind(store)),
  "no-deduplication": noDeduplication,
  "fan-out-before-commit": (store, layer) => fanOutBeforeCommit(writeBehind(store), layer),
};

const { values } = parseArgs({ options: { bug: { type: "string" }, data: { type: "string" } } });
const bug = plantedBugs.find((name) => name === values.bug);
if (bug === undefined || values.data === undefined) {
  console.error(`Usage: planted-server.ts --bug ${plantedBugs.join("|")} --data DIR`);
  process.exit(2);
}
const layer = new MemoryChannelLayer({ onFailure: (error) => console.error(error) });
const store = await openLmdbStore({ directory: values.data });
const secret = Buffer.from(readFileSync(join(values.data, "token-key"), "utf8").trim(), "base64url");
const unlimited = { perSecond: 0, burst: 1 };
const server = createServer({
  store: plant[bug](store, layer),
  layer,
  auth: { tokenKeys: [{ algorithms: ["HS256"], secret }] },
  // As `unlimitedServer`: a refusal would end the test before the bug is seen.
  limits: { commands: unlimited, connects: unlimited },
  logLevel: "error",
});
const { url } = await server.listen({ host: "127.0.0.1", port: 0 });
console.log(`ready ${url}`);
