/** A name server on loopback, over UDP: as much of RFC 1035 as one question and its addresses need. */
import { createSocket, type Socket } from "node:dgram";

const typeA = 1;

export class DnsServer implements AsyncDisposable {
  readonly #socket: Socket;
  /** Names in the order in which their IPv4 addresses were asked for. */
  readonly questions: string[] = [];

  private constructor(answer: (name: string) => readonly string[] | undefined, socket: Socket) {
    this.#socket = socket;
    socket.on("message", (query, { port, address }) => {
      const reply = this.#reply(query, answer);
      if (reply !== undefined) socket.send(reply, port, address);
    });
  }

  /** @param answer IPv4 addresses of a name, asked each time; `undefined`: no such name; an empty list: no reply at all */
  static async open(answer: (name: string) => readonly string[] | undefined): Promise<DnsServer> {
    const server = new DnsServer(answer, createSocket("udp4"));
    await new Promise<void>((resolve) => server.#socket.bind(0, "127.0.0.1", resolve));
    return server;
  }

  /** As `setServers` of Node takes it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  #reply(query: Buffer, answer: (name: string) => readonly string[] | undefined): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += length + 1;
    }
    const question = query.subarray(12, at + 5);
    const type = query.readUInt16BE(at + 1);
    const name = labels.join(".").toLowerCase();
    if (type === typeA) this.questions.push(name);
    // Asked for once a look-up: IPv6 has no answer, and changes nothing.
    const addresses = type === typeA ? answer(name) : [];
    if (type === typeA && addresses?.length === 0) return undefined;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(addresses === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses?.length ?? 0, 6);
    // The name is that of the question; class IN, not to be kept.
    const records = (addresses ?? []).map((address) => Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]));
    return Buffer.concat([header, question, ...records]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
