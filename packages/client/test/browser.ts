/** A page in a real browser, with no more of a driver than the page telling the test what it sees. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));

/** Why there can be no browser here; `false` when there can. A failure and no skip where it is required. */
export const browserAbsent: string | false = executable !== undefined || process.env["REQUIRE_CHROMIUM"] !== undefined ? false : "there is no Chromium here";

const timeoutMs = 30_000;

/** TypeScript of a page as one script. */
export async function bundlePage(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, loader: "ts", resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["suda-source"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** An origin with one page, and a browser profile that stays when the browser is killed. */
export class BrowserPage implements AsyncDisposable {
  readonly #server: Server;
  readonly #profile: string;
  readonly origin: string;
  #body = "";
  #script = "";
  #told: (text: string) => void = () => {};

  private constructor(server: Server, profile: string) {
    this.#server = server;
    this.#profile = profile;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => {
      if (request.method === "POST") {
        textOf(request).then(
          (text) => this.#told(text),
          () => {},
        );
        response.end();
      } else if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(this.#script);
      else response.setHeader("content-type", "text/html; charset=utf-8").end(`<!doctype html>${this.#body}<script type="module" src="/page.js"></script>`);
    });
  }

  static async open(): Promise<BrowserPage> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new BrowserPage(server, await mkdtemp(join(tmpdir(), "suda-browser-")));
  }

  /**
   * Starts a browser on the page, and kills it when the page has called `tell(text)` with a text that fits.
   * @returns that text
   */
  async run(page: { readonly body?: string; readonly script: string; readonly fits?: (text: string) => boolean }): Promise<string> {
    this.#body = page.body ?? "";
    const failure =
      'addEventListener("unhandledrejection", (event) => tell(`failed: ${event.reason}`)); addEventListener("error", (event) => tell(`failed: ${event.message}`));';
    this.#script = `globalThis.tell = (text) => fetch("/", { method: "POST", body: text }); ${failure}\n${page.script}`;
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", `--user-data-dir=${this.#profile}`];
    const browser = spawn(executable ?? "chromium", [...flags, this.origin], { stdio: "ignore" });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        let last = "nothing";
        timer = setTimeout(() => reject(new Error(`The page did not get there within ${timeoutMs} ms; it said: ${last}`)), timeoutMs);
        browser.once("error", reject);
        this.#told = (text) => {
          last = text;
          if (text.startsWith("failed: ")) reject(new Error(text));
          else if (page.fits?.(text) ?? true) resolve(text);
        };
      });
    } finally {
      clearTimeout(timer);
      const ended = new Promise((resolve) => browser.once("exit", resolve));
      if (browser.kill("SIGKILL")) await ended;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
