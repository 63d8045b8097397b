/** The wire suite through nginx and through haproxy, with the configurations of deploy/: every frame of the protocol, in both encodings. */
import { after, before, describe } from "node:test";
import { MemoryStore } from "@suda/server/store";
import { testApiKey, TestServer, wireSuite } from "@suda/testing";
import { balancers, type Balancer } from "./balancers.ts";

for (const [name, kind] of Object.entries(balancers))
  describe(`through ${name}`, { skip: kind.skip }, () => {
    let suda: TestServer;
    let balancer: Balancer;
    before(async () => {
      suda = await TestServer.open({ store: new MemoryStore() });
      balancer = await kind.open([Number(new URL(await suda.listen()).port)]);
    });
    after(async () => {
      await balancer[Symbol.asyncDispose]();
      await suda[Symbol.asyncDispose]();
    });
    wireSuite(name, async () => ({ url: balancer.url, tokenOf: (user) => suda.token(user), apiKey: testApiKey }));
  });
