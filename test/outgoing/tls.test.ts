/**
 * Outgoing https with real certificates, made by openssl when the test runs: the name is checked, the authority is checked, one of
 * the operator's own can be added.
 */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { OutgoingHttp, type Resolver } from "@suda/server/outgoing";

const resolver: Resolver = { resolve: () => Promise.resolve(["127.0.0.1"]) };
const addresses = { allow: ["127.0.0.1"] };

test("a certificate of a known authority for this host is taken; an unknown one, or one for another host, is not", async () => {
  await using target = await TlsTarget.open("bot.example");
  const { port, authority, serverNames } = target;
  await using knowing = new OutgoingHttp({ addresses, resolver, ca: [authority] });
  equal((await knowing.post({ url: `https://bot.example:${port}/`, body: "" })).status, 200);
  deepEqual(serverNames, ["bot.example"]);
  await rejects(knowing.post({ url: `https://other.example:${port}/`, body: "" }), { code: "outgoing.certificate" });
  await rejects(knowing.post({ url: `https://127.0.0.1:${port}/`, body: "" }), { code: "outgoing.certificate" });
  await using usual = new OutgoingHttp({ addresses, resolver });
  await rejects(usual.post({ url: `https://bot.example:${port}/`, body: "" }), { code: "outgoing.certificate" });
});

class TlsTarget implements AsyncDisposable {
  readonly #server: Server;
  readonly authority: string;
  /** Names that clients asked for (SNI). */
  readonly serverNames: string[] = [];

  private constructor(server: Server, authority: string) {
    this.#server = server;
    this.authority = authority;
    server.on("secureConnection", ({ servername }: { servername?: string | false }) => this.serverNames.push(servername || "none"));
  }

  static async open(host: string): Promise<TlsTarget> {
    const directory = await mkdtemp(join(tmpdir(), "suda-tls-"));
    try {
      const openssl = (...of: readonly string[]): unknown => execFileSync("openssl", of, { cwd: directory, stdio: "pipe" });
      const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a test", "-days", "2"];
      openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem");
      openssl("req", ...newKey.slice(0, -2), "-keyout", "key.pem", "-out", "request.pem");
      await writeFile(join(directory, "names"), `subjectAltName=DNS:${host}\n`);
      openssl(
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "cert.pem",
      );
      const [key, cert, ca] = await Promise.all(["key.pem", "cert.pem", "ca.pem"].map((name) => readFile(join(directory, name), "utf8")));
      const server = createServer({ key: key ?? "", cert: cert ?? "" }, (_request, response) => void response.end("ok"));
      server.on("tlsClientError", () => {});
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return new TlsTarget(server, ca ?? "");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
