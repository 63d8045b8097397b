/** Bots over HTTP, through communicators: what they offer, their stored templates, and messages that are only checked. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { templateLimits } from "@suda/protocol";
import { TestServer, userId, type HttpAnswer } from "@suda/testing";

const menu = { type: "list", barText: "Menu", rows: [[{ type: "message", id: "hint", label: "Hint", text: "A hint, please" }]] };
const commands = [{ name: "help", description: "What I can do" }];
const template = (version: number, text = "Hello {{name}}"): object => ({
  version,
  fallback: "en",
  variables: { name: { type: "string", required: true } },
  locales: { en: [{ content: { type: "text", text } }] },
});

const outcome = ({ status, body }: HttpAnswer): readonly unknown[] => [status, (body as { code?: string }).code, (body as { path?: string }).path];
const ok = [200, undefined, undefined];

async function openWithBot(): Promise<TestServer> {
  const suda = await TestServer.open();
  assert.deepEqual(outcome(await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" })), ok);
  return suda;
}

describe("a bot", () => {
  test("[T13] is made by the backend, changed by it and by itself, and by nobody else", async () => {
    await using suda = await openWithBot();
    assert.deepEqual((await suda.http({ ...bearer(suda, "alice") }).get("/v1/users/tutor")).body, { user: { id: "tutor", name: "Tutor", bot: true } });
    const own = await suda.as("tutor").request("PUT", "/v1/bots/tutor", { menu, commands });
    assert.deepEqual(own.body, { bot: { id: "tutor", name: "Tutor", menu, commands } });
    const changed = await suda.backend().request("PUT", "/v1/bots/tutor", { name: null, avatar: "https://a.example/t.png", menu: null });
    assert.deepEqual(changed.body, { bot: { id: "tutor", avatar: "https://a.example/t.png", commands } });
    assert.deepEqual((await suda.as("tutor").get("/v1/bots/tutor")).body, changed.body);
    assert.deepEqual(outcome(await suda.as("alice").request("PUT", "/v1/bots/tutor", { name: "x" })), [403, "auth.forbidden", undefined]);
    await suda.as("alice").request("PUT", "/v1/users/alice", { name: "Alice" });
    assert.deepEqual(outcome(await suda.as("alice").request("PUT", "/v1/bots/alice", { name: "x" })), [403, "auth.forbidden", undefined]);
    assert.deepEqual(outcome(await suda.http().get("/v1/bots/tutor")), [401, "auth.required", undefined]);
  });

  test("[T13] is seen by who shares a conversation with it, directly or in a group; to others it does not exist", async () => {
    await using suda = await openWithBot();
    await using alice = await suda.connect("alice");
    await using bob = await suda.connect("bob");
    await alice.request({ type: "conversation.open", with: userId("tutor") });
    await bob.request({ type: "conversation.create", members: [userId("tutor"), userId("carol")] });
    for (const [user, status] of [
      ["alice", 200],
      ["bob", 200],
      ["carol", 200],
      ["mallory", 404],
    ] as const)
      assert.equal((await suda.as(user).get("/v1/bots/tutor")).status, status, user);
    const none = await suda.as("mallory").get("/v1/bots/nobody");
    assert.deepEqual(none.body, (await suda.as("mallory").get("/v1/bots/tutor")).body);
    assert.deepEqual(outcome(none), [404, "user.not_found", undefined]);
    assert.deepEqual(outcome(await suda.backend().get("/v1/bots/alice")), [404, "user.not_found", undefined]);
  });

  test("[T9] [T13] menu and commands are refused with their path, at their bounds taken", async () => {
    await using suda = await openWithBot();
    const put = async (body: object): Promise<readonly unknown[]> => outcome(await suda.backend().request("PUT", "/v1/bots/tutor", body));
    const twice = { ...menu, rows: [[...(menu.rows[0] ?? []), ...(menu.rows[0] ?? [])]] };
    assert.deepEqual(await put({ menu: twice }), [400, "frame.invalid", "/menu/rows/0/1/id"]);
    assert.deepEqual(await put({ commands: [...commands, ...commands] }), [400, "frame.invalid", "/commands/1/name"]);
    assert.deepEqual(await put({ menu: { ...menu, barText: "x".repeat(15) } }), [400, "frame.invalid", "/menu"]);
    assert.deepEqual(await put({ unknown: 1 }), [400, "frame.invalid", "/unknown"]);
    const many = (count: number, length = 1): object[] =>
      Array.from({ length: count }, (_, index) => ({ name: `c${index}`, description: "가".repeat(length) }));
    assert.deepEqual(await put({ commands: many(100) }), ok);
    assert.deepEqual(await put({ commands: many(101) }), [400, "frame.invalid", "/commands"]);
    // Each by itself fits into a request, but not both into the record.
    assert.deepEqual(await put({ commands: many(75, 256) }), ok);
    const large = {
      ...menu,
      rows: [
        [{ type: "postback", id: "p", label: "P", data: { a: "x".repeat(4_000) } }],
        [{ type: "postback", id: "q", label: "Q", data: { a: "x".repeat(4_000) } }],
      ],
    };
    assert.deepEqual(await put({ menu: large }), [400, "frame.invalid", "/commands"]);
    assert.deepEqual(await put({ menu: large, commands: null }), ok);
  });
});

describe("stored templates", () => {
  const path = "/v1/bots/tutor/templates/hello";

  test("[T14] are versions that never change, newest first asked for, and can be put again", async () => {
    await using suda = await openWithBot();
    const bot = suda.as("tutor");
    assert.deepEqual(outcome(await bot.get(path)), [404, "template.not_found", undefined]);
    assert.deepEqual((await bot.request("PUT", path, template(1))).body, { template: { id: "hello", ...template(1) } });
    assert.deepEqual(outcome(await bot.request("PUT", path, template(3, "Hi {{name}}"))), ok);
    for (const again of [template(1), template(3, "Hi {{name}}")]) assert.deepEqual(outcome(await bot.request("PUT", path, again)), ok);
    assert.deepEqual(outcome(await bot.request("PUT", path, template(3))), [409, "template.conflict", "/version"]);
    assert.deepEqual(outcome(await bot.request("PUT", path, template(2))), [409, "template.conflict", "/version"]);
    assert.deepEqual((await bot.get(path)).body, { template: { id: "hello", ...template(3, "Hi {{name}}") } });
    assert.deepEqual((await bot.get(`${path}?version=1`)).body, { template: { id: "hello", ...template(1) } });
    assert.deepEqual(outcome(await bot.get(`${path}?version=2`)), [404, "template.not_found", undefined]);
    assert.deepEqual((await bot.get("/v1/bots/tutor/templates")).body, { templates: [{ id: "hello", versions: [1, 3] }] });
    assert.deepEqual(outcome(await bot.request("DELETE", path)), ok);
    assert.deepEqual(outcome(await bot.request("DELETE", path)), [404, "template.not_found", undefined]);
    assert.deepEqual((await bot.get("/v1/bots/tutor/templates")).body, { templates: [] });
    assert.deepEqual(await placesLeft(suda), []);
    assert.deepEqual(outcome(await bot.request("PUT", path, template(1, "New {{name}}"))), ok);
  });

  test("[T14] the newest five versions are kept, and a hundred templates", async () => {
    await using suda = await openWithBot();
    const { templatesPerBotMax, templateVersionsMax } = templateLimits;
    for (let version = 1; version <= templateVersionsMax + 2; version++)
      assert.deepEqual(outcome(await suda.backend().request("PUT", path, template(version))), ok);
    assert.deepEqual((await suda.backend().get("/v1/bots/tutor/templates")).body, { templates: [{ id: "hello", versions: [3, 4, 5, 6, 7] }] });
    assert.equal((await placesLeft(suda)).length, templateVersionsMax);
    assert.deepEqual(outcome(await suda.backend().get(`${path}?version=2`)), [404, "template.not_found", undefined]);
    const put = async (id: string): Promise<readonly unknown[]> => outcome(await suda.backend().request("PUT", `/v1/bots/tutor/templates/${id}`, template(1)));
    // Ids as long as they may be: the names of all fit into the one document.
    for (let index = 1; index < templatesPerBotMax; index++) assert.deepEqual(await put(`${index}`.padEnd(64, "x")), ok);
    assert.deepEqual(await put("one-more"), [409, "template.full", undefined]);
    assert.deepEqual(outcome(await suda.backend().request("PUT", path, template(8))), ok);
  });

  test("[T14] puts at once lose nothing, and leave nothing behind", async () => {
    await using suda = await openWithBot();
    const texts = ["a", "b", "c", "d"];
    const same = await Promise.all(texts.map(async (text) => (await suda.backend().request("PUT", path, template(1, text))).status));
    assert.deepEqual(
      same.toSorted((a, b) => a - b),
      [200, 409, 409, 409],
    );
    const others = await Promise.all(texts.map(async (id) => (await suda.backend().request("PUT", `/v1/bots/tutor/templates/${id}`, template(1))).status));
    assert.deepEqual(others, [200, 200, 200, 200]);
    assert.equal((await placesLeft(suda)).length, 5);
  });

  test("[T14] what a crash left of a put is swept by a later one", async () => {
    await using suda = await openWithBot();
    await suda.backend().request("PUT", path, template(1));
    const old = (suda.clock.now() - 3_600_001).toString(36);
    const young = (suda.clock.now() - 60_000).toString(36);
    for (const place of [old, young]) await suda.store.documents.put("templates", `tutor/hello/${place}-x`, {});
    await suda.backend().request("PUT", path, template(2));
    const left = await placesLeft(suda);
    assert.deepEqual([left.length, left.includes(`tutor/hello/${young}-x`), left.includes(`tutor/hello/${old}-x`)], [3, true, false]);
  });

  test("[T14] belong to the bot: nobody else reads or writes them, and what could not be filled is refused", async () => {
    await using suda = await openWithBot();
    await suda.backend().request("PUT", "/v1/bots/other", {});
    for (const user of ["alice", "other"]) {
      assert.deepEqual(outcome(await suda.as(user).request("PUT", path, template(1))), [403, "auth.forbidden", undefined]);
      assert.deepEqual(outcome(await suda.as(user).get(path)), [403, "auth.forbidden", undefined]);
      assert.deepEqual(outcome(await suda.as(user).get("/v1/bots/tutor/templates")), [403, "auth.forbidden", undefined]);
      assert.deepEqual(outcome(await suda.as(user).request("DELETE", path)), [403, "auth.forbidden", undefined]);
    }
    assert.deepEqual(outcome(await suda.as("alice").get("/v1/bots/alice/templates")), [403, "auth.forbidden", undefined]);
    assert.deepEqual(outcome(await suda.backend().get("/v1/bots/alice/templates")), [404, "user.not_found", undefined]);
    const put = async (body: object): Promise<readonly unknown[]> => outcome(await suda.backend().request("PUT", path, body));
    assert.deepEqual(await put(template(1, "{{other}}")), [400, "frame.invalid", "/locales/en/0/content/text"]);
    assert.deepEqual(await put(template(0)), [400, "frame.invalid", "/version"]);
    assert.deepEqual(await put({ ...template(1), id: "x" }), [400, "frame.invalid", "/id"]);
    assert.deepEqual(outcome(await suda.backend().request("PUT", "/v1/bots/tutor/templates/-x", template(1))), [400, "frame.invalid", "/template"]);
  });
});

describe("messages that are only checked", () => {
  test("[T12] are told what a send would refuse, else what other platforms would not show", async () => {
    await using suda = await TestServer.open();
    const validate = async (body: object): Promise<HttpAnswer> => suda.as("alice").post("/v1/bots/templates/validate", body);
    const text = { content: { type: "text", text: "hello" } };
    const card = { content: { type: "card", title: "가".repeat(41) }, altText: "x" };
    assert.deepEqual((await validate({ messages: [text] })).body, { valid: true, findings: [] });
    assert.deepEqual((await validate({ messages: [{ content: { type: "bytes", mime: "a/b", bytes: "AAAA" } }] })).body, { valid: true, findings: [] });
    const warned = (await validate({ messages: [text, card], targets: ["line", "kakao", "line"] })).body as { valid: boolean; findings: { path: string }[] };
    assert.deepEqual([warned.valid, warned.findings.map(({ path }) => path)], [true, ["/1/content/title"]]);
    const { altText: _altText, ...silent } = card;
    const refused = (await validate({ messages: [text, silent, { content: { type: "text", text: "" } }], targets: ["line"] })).body;
    const { valid, findings } = refused as { valid: boolean; findings: { level: string; path: string }[] };
    assert.deepEqual(
      [valid, findings.map(({ level, path }) => [level, path])],
      [
        false,
        [
          ["error", "/1/altText"],
          ["error", "/2/content/text"],
        ],
      ],
    );
    assert.deepEqual(outcome(await validate({ messages: [] })), [400, "frame.invalid", "/messages"]);
    assert.deepEqual(outcome(await validate({ messages: Array.from({ length: 6 }, () => text) })), [400, "frame.invalid", "/messages"]);
    assert.equal((await validate({ messages: Array.from({ length: 5 }, () => text) })).status, 200);
    assert.deepEqual(outcome(await validate({ messages: [text], targets: ["fax"] }))[1], "frame.invalid");
    assert.deepEqual(outcome(await suda.http().post("/v1/bots/templates/validate", { messages: [text] })), [401, "auth.required", undefined]);
  });
});

/** Keys of the documents that hold versions. */
async function placesLeft(suda: TestServer): Promise<readonly string[]> {
  return (await suda.store.documents.list("templates", undefined, 100)).map(({ key }) => key).filter((key) => key.includes("/"));
}

function bearer(suda: TestServer, user: string): { authorization: string } {
  return { authorization: `Bearer ${suda.token(user)}` };
}
