/** nginx and haproxy before nodes, with the configurations of deploy/ as they are: only the nodes and the address are the test's. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HaproxyServer, NginxServer, skipWithoutHaproxy, skipWithoutNginx } from "@suda/testing";

/** What a node must believe: `--trusted-proxies`. */
export const balancerAddress = "127.0.0.1";

export interface Balancer extends AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** What an operator does to empty a node: new connections go to the others. Resolves when it is in force. */
  rest(port: number): Promise<void>;
  /** The opposite of {@link rest}. */
  use(port: number): Promise<void>;
  /** The last that it printed. */
  readonly output: string;
}

export interface BalancerKind {
  /** A test's `skip`. */
  readonly skip: string | false;
  /** @param ports of the nodes, on loopback */
  open(ports: readonly number[]): Promise<Balancer>;
}

const deploy = fileURLToPath(new URL("../../deploy/", import.meta.url));

export const balancers: Readonly<Record<"nginx" | "haproxy", BalancerKind>> = {
  nginx: { skip: skipWithoutNginx, open: openNginx },
  haproxy: { skip: skipWithoutHaproxy, open: openHaproxy },
};

/** The parameters of a node's line in deploy/nginx/suda-nodes.conf. */
const nodeParameters = /^server \S+ (.*);$/m.exec(readFileSync(`${deploy}nginx/suda-nodes.conf`, "utf8"))?.[1] ?? "";

async function openNginx(ports: readonly number[]): Promise<Balancer> {
  const resting = new Set<number>();
  const nodes = (): string => ports.map((port) => `server 127.0.0.1:${port} ${nodeParameters}${resting.has(port) ? " down" : ""};\n`).join("");
  const nginx = await NginxServer.open({
    http: () => `include ${deploy}nginx/suda.conf;`,
    files: (port) => ({ "suda-nodes.conf": nodes(), "suda-listen.conf": `listen 127.0.0.1:${port} backlog=4096;` }),
  });
  return {
    url: nginx.url,
    get output() {
      return nginx.output;
    },
    async rest(port) {
      resting.add(port);
      await nginx.reload("suda-nodes.conf", nodes());
    },
    async use(port) {
      resting.delete(port);
      await nginx.reload("suda-nodes.conf", nodes());
    },
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}

async function openHaproxy(ports: readonly number[]): Promise<Balancer> {
  const nameOf = (port: number): string => `node-${ports.indexOf(port) + 1}`;
  const haproxy = await HaproxyServer.open({
    files: [`${deploy}haproxy/haproxy.cfg`],
    own: `backend suda from suda-nodes\n${ports.map((port) => `  server ${nameOf(port)} 127.0.0.1:${port}\n`).join("")}`,
    env: (address, socket) => ({ SUDA_BIND: address, SUDA_HAPROXY_SOCKET: socket }),
  });
  const set = async (port: number, state: string): Promise<void> => {
    const answer = await haproxy.command(`set server suda/${nameOf(port)} state ${state}`);
    if (answer !== "") throw new Error(`haproxy: ${answer}`);
  };
  return {
    url: haproxy.url,
    get output() {
      return haproxy.output;
    },
    rest: (port) => set(port, "drain"),
    use: (port) => set(port, "ready"),
    [Symbol.asyncDispose]: () => haproxy[Symbol.asyncDispose](),
  };
}
