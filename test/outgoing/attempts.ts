/**
 * Runs inside of a network namespace of its own (network-namespace.ts), in which every address answers: what would leave
 * a real machine, or reach its neighbours, is a connection here. Says `ready`, waits for a line, makes the attempts of its mode,
 * writes what came of them as one line of JSON, and ends with its input.
 */
import { createServer, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { createInterface } from "node:readline";
import type { Webhook } from "@suda/protocol";
import { createDnsResolver, OutgoingError, OutgoingHttp, type Resolver } from "@suda/server/outgoing";
import { eventually, TestServer } from "@suda/testing";
import { DnsServer } from "./dns-server.ts";
import { forbiddenUrls, type ForbiddenUrl } from "./forbidden-urls.ts";

/** One address of the benchmark range, which the test allows; all others of it stay forbidden. */
export const allowedAddress = "198.18.7.7";
export const port = 8080;

const modes: Readonly<Record<string, () => Promise<unknown>>> = { forbidden, webhooks, unchecked, rebinding, redirects };

/** The code of each refusal, in the order of the list. */
async function forbidden(): Promise<readonly string[]> {
  const outcomes: string[] = [];
  for (const { url, addresses } of forbiddenUrls()) {
    const resolver: Resolver = { resolve: () => Promise.resolve(addresses) };
    for (const allow of [[], [allowedAddress]]) {
      await using http = new OutgoingHttp({ addresses: { allow }, resolver });
      outcomes.push(await outcomeOf(http, url));
    }
  }
  return outcomes;
}

/**
 * The same list as bots' webhooks, in the whole server: what came of each registration, and where it was taken, of the
 * delivery of a message. Without a socket, so that every connection that is counted is one too many.
 */
async function webhooks(): Promise<readonly string[]> {
  const urls = forbiddenUrls();
  const answers = new Map(urls.flatMap(({ url, addresses }) => (URL.canParse(url) ? [[new URL(url).hostname, addresses] as const] : [])));
  const resolver: Resolver = { resolve: (name) => Promise.resolve(answers.get(name) ?? []) };
  await using suda = await TestServer.open({ outgoing: { resolver } });
  const backend = suda.backend();
  const outcomes = await Promise.all(
    urls.map(async ({ url }, index) => {
      const bot = `bot-${index}`;
      await backend.request("PUT", `/v1/bots/${bot}`, {});
      const registered = await backend.request("PUT", `/v1/bots/${bot}/webhook`, { url });
      if (registered.status !== 200) return `${(registered.body as { code: string }).code} ${(registered.body as { path?: string }).path}`;
      const { body } = await backend.post("/v1/conversations", { kind: "direct", members: ["alice", bot] });
      const { id } = (body as { conversation: { id: string } }).conversation;
      await suda.backend("alice").post(`/v1/conversations/${id}/messages`, { clientId: `${index}`, content: { type: "text", text: "there?" } });
      return undefined;
    }),
  );
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome !== undefined) continue;
    const status = async (): Promise<Webhook["status"]> => ((await backend.get(`/v1/bots/bot-${index}/webhook`)).body as { webhook: Webhook }).webhook.status;
    await eventually(async () => (await status()).lastError !== undefined);
    outcomes[index] = (await status()).lastError?.code;
  }
  return outcomes.map(String);
}

/** The control: Node's own client, which checks nothing, on the same list. */
async function unchecked(): Promise<void> {
  for (const one of forbiddenUrls()) await callUnchecked(one);
}

function callUnchecked({ url, addresses }: ForbiddenUrl): Promise<void> {
  const family = (address: string): number => (address.includes(":") ? 6 : 4);
  const lookup: LookupFunction = (_hostname, { all }, done) => {
    const entries = addresses.map((address) => ({ address, family: family(address) }));
    const [first] = entries;
    // Later, as a real look-up answers: an error of connect() would otherwise come before anybody listens for it.
    setImmediate(() => {
      if (first === undefined) done(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "");
      else if (all === true) done(null, entries);
      else done(null, first.address, first.family);
    });
  };
  return new Promise((resolve) => {
    try {
      const { protocol } = new URL(url);
      const request = (protocol === "https:" ? requestHttps : requestHttp)(url, { lookup, agent: false, timeout: 2_000 });
      request.on("error", () => resolve());
      request.on("close", () => resolve());
      request.on("timeout", () => request.destroy());
      request.end();
    } catch {
      // It cannot even be read as a URL.
      resolve();
    }
  });
}

/** Names whose name server gives a public address first, and a private one when it is asked again. */
async function rebinding(): Promise<{ readonly outcomes: readonly string[]; readonly reached: readonly string[]; readonly questions: number }> {
  const asked = new Map<string, number>();
  await using dns = await DnsServer.open((name) => {
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    return count === 0 ? [`1.1.1.${1 + Number(name.replaceAll(/\D/g, ""))}`] : ["169.254.169.254"];
  });
  await using witness = await Witness.open(443, "");
  const outcomes: string[] = [];
  await using http = new OutgoingHttp({ resolver: createDnsResolver([dns.address]) });
  for (let n = 0; n < 50; n++) {
    for (let call = 0; call < 3; call++) outcomes.push(await outcomeOf(http, `https://rebinding-${n}.example/hook`));
  }
  return { outcomes, reached: witness.reached, questions: dns.questions.length };
}

/** A host that may be called, and that answers with the way to one that may not. */
async function redirects(): Promise<{ readonly outcomes: readonly string[]; readonly reached: readonly string[] }> {
  const locations = [
    `http://127.0.0.1:${port}/`,
    `http://10.0.0.1:${port}/`,
    "http://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    `//192.168.0.1:${port}/`,
    "https://2130706433/",
    "/again",
    "gopher://127.0.0.1:6379/_FLUSHALL",
  ];
  let location = "";
  await using witness = await Witness.open(port, () => location);
  await using http = new OutgoingHttp({ addresses: { allow: [allowedAddress] } });
  const outcomes: string[] = [];
  for (location of locations) {
    for (const status of [301, 302, 303, 307, 308]) outcomes.push(await outcomeOf(http, `http://${allowedAddress}:${port}/?status=${status}`));
  }
  // What is answered without a redirect is taken.
  outcomes.push(await outcomeOf(http, `http://${allowedAddress}:${port}/`));
  return { outcomes, reached: witness.reached };
}

async function outcomeOf(http: OutgoingHttp, url: string): Promise<string> {
  try {
    return `${(await http.post({ url, body: "{}", timeoutMs: 5_000 })).status}`;
  } catch (error) {
    return error instanceof OutgoingError ? error.code : String(error);
  }
}

/** Listens on every address of the namespace and writes down which of them was connected. */
class Witness implements AsyncDisposable {
  readonly #server;
  readonly reached: string[] = [];

  private constructor(location: string | (() => string)) {
    this.#server = createServer((request, response) => {
      const status = Number(new URL(request.url ?? "", "http://any").searchParams.get("status") ?? 200);
      response.writeHead(status, status === 200 || typeof location === "string" ? {} : { location: location() }).end();
    });
    this.#server.on("connection", (socket) => this.reached.push(socket.localAddress?.replace("::ffff:", "") ?? "nowhere"));
  }

  static async open(onPort: number, location: string | (() => string)): Promise<Witness> {
    const witness = new Witness(location);
    await new Promise<void>((resolve) => witness.#server.listen(onPort, "::", resolve));
    return witness;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const mode = modes[process.argv[2] ?? ""];
if (mode === undefined) throw new Error(`One of ${Object.keys(modes).join(", ")} is wanted.`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdout.write("ready\n");
await lines.next();
process.stdout.write(`${JSON.stringify((await mode()) ?? null)}\n`);
await lines.next();
