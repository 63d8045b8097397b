/** On the team's own node:http server: own paths are served, everything else stays theirs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { systemClock, systemRandom } from "@suda/protocol";
import { HandshakeRefused, RawWebSocket, RecordingApp, TestServer, WireClient } from "@suda/testing";
import { Hono } from "hono";
import type { HttpScope } from "../app/app.ts";
import { mountFetch, protocolRouter, urlRouter } from "../routing/routers.ts";
import { SocketServer } from "./socket-server.ts";

class TeamServer implements AsyncDisposable {
  readonly server: Server;
  readonly requests: string[] = [];

  constructor(listener?: RequestListener) {
    this.server = createHttpServer(
      listener ??
        ((request, response) => {
          this.requests.push(request.url ?? "");
          response.end(`theirs: ${request.url}`);
        }),
    );
  }

  async listen(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const openSocket = (url: string): Promise<RawWebSocket> => RawWebSocket.open(url, { onMessage: () => {} });

describe("attach", { timeout: 20_000 }, () => {
  test("[I11] the chat is served on the team's server, HTTP and WebSocket, with their routes intact", async () => {
    await using suda = await TestServer.open();
    await using team = new TeamServer();
    suda.server.attach(team.server);
    const url = await team.listen();
    assert.equal(await (await fetch(`${url}/`)).text(), "theirs: /");
    assert.equal(await (await fetch(`${url}/v1x?y`)).text(), "theirs: /v1x?y");
    assert.equal(await (await fetch(`${url}/docsy`)).text(), "theirs: /docsy");
    assert.deepEqual(team.requests, ["/", "/v1x?y", "/docsy"]);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const asked = await fetch(`${url}/v1/users/alice?`, { headers: { authorization: `Bearer ${suda.token("alice")}` } });
    assert.equal(asked.status, 404);
    await using alice = await WireClient.open({ url, token: suda.token("alice") });
    const { user } = await alice.request("user.get", { user: "alice" as never });
    assert.equal(user.id, "alice");
    assert.equal(team.requests.length, 3, "nothing of ours reached them");
  });

  test("[I11] only the paths that are named are taken over", async () => {
    await using suda = await TestServer.open();
    await using team = new TeamServer();
    suda.server.attach(team.server, ["/v1"]);
    const url = await team.listen();
    assert.equal(await (await fetch(`${url}/healthz`)).text(), "theirs: /healthz");
    assert.equal((await fetch(`${url}/v1/nothing`)).status, 404);
  });

  test("[I11] their own WebSockets stay theirs", async () => {
    await using suda = await TestServer.open();
    await using team = new TeamServer();
    const theirs: string[] = [];
    team.server.on("upgrade", (request, socket) => {
      if (request.url?.startsWith("/v1") === true) return;
      theirs.push(request.url ?? "");
      socket.end("HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n");
    });
    suda.server.attach(team.server);
    const url = await team.listen();
    await assert.rejects(openSocket(`${url}/live`), (error) => error instanceof HandshakeRefused && error.status === 418);
    assert.deepEqual(theirs, ["/live"]);
    await using alice = await WireClient.open({ url, token: suda.token("alice") });
    assert.ok(alice.isOpen, "ours beside it");
  });

  test("[I11] where nobody else takes upgrades, one to another path is refused and does not hang", async () => {
    await using suda = await TestServer.open();
    await using team = new TeamServer();
    suda.server.attach(team.server);
    const url = await team.listen();
    await assert.rejects(openSocket(`${url}/elsewhere`), (error) => error instanceof HandshakeRefused && error.status === 404);
  });

  test("[I11] the server's end does not end theirs", async () => {
    await using team = new TeamServer();
    const suda = await TestServer.open();
    suda.server.attach(team.server);
    const url = await team.listen();
    await using client = await openSocket(`${url}/v1/socket`);
    await suda[Symbol.asyncDispose]();
    assert.equal(await client.closed, 1_012);
    await assert.rejects(openSocket(`${url}/v1/socket`), (error) => error instanceof HandshakeRefused && error.status === 503);
    assert.equal(await (await fetch(`${url}/still`)).text(), "theirs: /still");
  });

  test("[I1] a Hono app mounts as the HTTP side and finds the scope; routers are apps", async () => {
    const hono = new Hono<{ Bindings: { scope: HttpScope } }>()
      .get("/hello/:name", (c) => c.json({ name: c.req.param("name"), address: c.env.scope.client.address, query: c.env.scope.query.get("q") }))
      .post("/echo", async (c) => c.text(await c.req.text(), 201));
    const recording = new RecordingApp();
    await using sockets = new SocketServer({
      app: protocolRouter({ http: mountFetch(hono), websocket: urlRouter({ "/live": recording.websocket }) }),
      clock: systemClock,
      random: systemRandom,
      onFailure: (error) => assert.fail(String(error)),
    });
    const { url } = await sockets.listen({ port: 0, host: "127.0.0.1" });
    assert.deepEqual(await (await fetch(`${url}/hello/%EC%88%98?q=1`)).json(), { name: "수", address: "127.0.0.1", query: "1" });
    const posted = await fetch(`${url}/echo`, { method: "POST", body: "안녕" });
    assert.deepEqual([posted.status, await posted.text()], [201, "안녕"]);
    assert.equal((await fetch(`${url}/nothing`)).status, 404);
    await using client = await openSocket(`${url}/live?token=x`);
    assert.equal((await recording.connection()).scope.path, "/live");
    assert.ok(client.isOpen, "open");
    for (const path of ["/live/", "/Live", "/", "/live/x"])
      await assert.rejects(openSocket(url + path), (error) => error instanceof HandshakeRefused && error.status === 404, path);
  });
});
