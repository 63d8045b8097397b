/**
 * Nodes for tests of what stands before them: real `suda serve` processes, each with a store of its own. For what a balancer
 * does with connections and requests that is enough; what nodes have in common is the business of test/nodes/.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess, signToken, writeTokenKey } from "@suda/testing";
import { unlimitedServer } from "../kill/servers.ts";
import { balancerAddress } from "./balancers.ts";

export const apiKey = "a-key-of-the-tests-backend-of-32-characters-and-more";

export class TestNode implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #directory: string;
  readonly #server: ServerProcess;

  private constructor(directory: string, server: ServerProcess) {
    this.url = server.url;
    this.port = Number(new URL(server.url).port);
    this.#directory = directory;
    this.#server = server;
  }

  /** @param settings further flags of `suda serve`; the last one of a name counts */
  static async open(settings: readonly string[] = []): Promise<TestNode> {
    const directory = await mkdtemp(join(tmpdir(), "suda-node-"));
    try {
      writeTokenKey(directory);
      const { program } = unlimitedServer(directory, ["--requests-per-second", "0", "--trusted-proxies", balancerAddress, ...settings]);
      return new TestNode(directory, await ServerProcess.open({ program, env: { SUDA_API_KEYS: `backend:${apiKey}` } }));
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  tokenOf(user: string): string {
    return signToken(this.#directory, user);
  }

  /** Open WebSocket connections, as the node says. */
  async connections(): Promise<number> {
    const metrics = await (await fetch(`${this.url}/metrics`)).text();
    return Number(/^suda_connections(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1]);
  }

  /** SIGTERM. Resolves when the process has ended. */
  async stop(): Promise<void> {
    await this.#server.stop(30_000);
  }

  /** SIGSTOP: it takes connections, and answers nothing. */
  pause(): void {
    this.#server.pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.isRunning) await this.#server.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A node that says it is ready, reads a request, and breaks the connection instead of answering. */
export class BreakingNode implements AsyncDisposable {
  /** First lines of what was asked of it, but for checks. */
  readonly requests: string[] = [];
  isReady = true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<BreakingNode> {
    const server = createServer();
    const node = new BreakingNode(server);
    server.on("connection", (socket) => {
      node.#sockets.add(socket);
      socket.on("error", () => {}).on("close", () => node.#sockets.delete(socket));
      let head = "";
      socket.on("data", (chunk: Buffer) => {
        head += chunk.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        const [line = ""] = head.split("\r\n");
        if (line.startsWith("GET /readyz ")) {
          socket.end(`HTTP/1.1 ${node.isReady ? "200 OK" : "503 Service Unavailable"}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
          return;
        }
        if (!socket.destroyed) node.requests.push(line);
        socket.destroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return node;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
