/**
 * A Redis that loses a share of what it publishes: between nodes and the real one, on the wire, so that the nodes are the real
 * ones too. Every answer passes; of the messages of subscriptions some do not. The beat by which a node sees whether its link
 * carries anything is such a message as well, and one that is lost is no dead link.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class LossyRedis implements AsyncDisposable {
  /** 0…1 of the messages are lost. */
  share = 0;
  passed = 0;
  lost = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port of the real one @param random 0…1 */
  static async open(port: number, random: () => number): Promise<LossyRedis> {
    const server = createServer({ noDelay: true });
    const lossy = new LossyRedis(server);
    server.on("connection", (client) => {
      const redis = connect({ port, host: "127.0.0.1", noDelay: true });
      const replies = new Replies((reply, isMessage) => {
        const isLost = isMessage && random() < lossy.share;
        if (isMessage && isLost) lossy.lost++;
        else if (isMessage) lossy.passed++;
        if (!isLost) client.write(reply);
      });
      client.pipe(redis);
      redis.on("data", (chunk: Buffer) => replies.push(chunk));
      for (const [socket, other] of [
        [client, redis],
        [redis, client],
      ] as const) {
        lossy.#sockets.add(socket);
        socket
          .on("error", () => {})
          .on("close", () => {
            lossy.#sockets.delete(socket);
            other.destroy();
          });
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return lossy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const messageKinds = ["message", "smessage", "pmessage"];

/** Cuts a stream of RESP 2 or 3 into whole replies. */
class Replies {
  #rest: Buffer = Buffer.alloc(0);
  readonly #onReply: (reply: Buffer, isMessage: boolean) => void;

  constructor(onReply: (reply: Buffer, isMessage: boolean) => void) {
    this.#onReply = onReply;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = endOf(this.#rest, at);
      if (end === undefined) break;
      const reply = this.#rest.subarray(at, end);
      this.#onReply(
        reply,
        messageKinds.some((kind) => isOfKind(reply, kind)),
      );
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
  }
}

/** `*3` or `>3`, and the kind as its first bulk string. */
function isOfKind(reply: Buffer, kind: string): boolean {
  const line = reply.indexOf("\r\n");
  return /^[*>]$/.test(String.fromCharCode(reply[0] ?? 0)) && reply.toString("latin1", line + 2, line + 2 + 32).startsWith(`$${kind.length}\r\n${kind}\r\n`);
}

/** Where the reply that begins at `at` ends; `undefined` while some of it is missing. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const count = Number(bytes.toString("latin1", at + 1, line));
  let end: number | undefined = line + 2;
  if ("$!=".includes(type)) {
    if (count >= 0) end += count + 2;
    return end <= bytes.length ? end : undefined;
  }
  const elements = "*>~".includes(type) ? count : type === "%" || type === "|" ? count * 2 : 0;
  for (let index = 0; index < elements && end !== undefined; index++) end = endOf(bytes, end);
  // An attribute stands before the reply that it is of.
  return type === "|" && end !== undefined ? endOf(bytes, end) : end;
}
