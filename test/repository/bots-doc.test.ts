/** docs/BOTS.md shows what is so: its template is one, its fragments fit, its links lead somewhere. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  checkTemplate,
  createValidator,
  fillTemplate,
  lintTargets,
  QuickReplySchema,
  StoredTemplateSchema,
  templateLimits,
  type StoredTemplate,
} from "@suda/protocol";
import { clientId, ManualClock, TestServer, textOf, userId } from "@suda/testing";
import { read } from "./repository.ts";
import { snippetsOf } from "./snippets.ts";

const document = read("docs/BOTS.md");

test("[T11] the stored template that is shown can be filled in both languages", () => {
  const { code = "" } = snippetsOf(document).get("template") ?? {};
  const template = createValidator<StoredTemplate>(StoredTemplateSchema).check(JSON.parse(code));
  assert.equal(checkTemplate(template), undefined);
  const variables = { name: "지민", order: "A-1042", track: "https://shop.example.com/t/1", total: 23_000 };
  const korean = fillTemplate(template, { locale: "ko-KR", variables });
  assert.equal(korean.messages.length, 2);
  assert.equal(korean.messages[1]?.altText, "영수증 A-1042: 23000원");
  const [english] = fillTemplate(template, { locale: "en", variables }).messages;
  assert.equal(english?.content.type === "text" && english.content.text, "지민, your parcel from Suda is on its way.");
});

test("the quick replies that are shown fit", () => {
  const [, fragment = ""] = /```json\n(\{ "quickReplies".*)\n```/.exec(document) ?? [];
  const { quickReplies } = JSON.parse(fragment) as { quickReplies: readonly unknown[] };
  for (const reply of quickReplies) createValidator(QuickReplySchema).check(reply);
  assert.ok(quickReplies.length > 0);
});

test("[T12] every platform of the linter, and every bound, is in its table", () => {
  for (const target of lintTargets) assert.ok(document.includes(`\n| \`${target}\` |`), target);
  for (const name of Object.keys(templateLimits)) assert.ok(document.includes(`| \`${name}\` |`), name);
});

test("[W3] [W8] the webhook that is shown takes deliveries that are signed, refuses others, and its answer is said", async (t) => {
  const { code = "" } = snippetsOf(document).get("verify-webhook") ?? {};
  const directory = mkdtempSync(fileURLToPath(new URL("webhook-", import.meta.url)));
  try {
    await using suda = await TestServer.open({ outgoing: { allow: ["127.0.0.1"] }, clock: new ManualClock(Date.now()) });
    await suda.backend().request("PUT", "/v1/bots/tutor", {});
    const file = join(directory, "webhook.ts");
    writeFileSync(file, code);
    // The URL is known before the secret is; the program reads its secret when it starts.
    const placeholder = "http://127.0.0.1:9/";
    const registered = await suda.backend().request("PUT", "/v1/bots/tutor/webhook", { url: placeholder });
    process.env["WEBHOOK_SECRET"] = (registered.body as { secret: string }).secret;
    const { server } = (await import(pathToFileURL(file).href)) as { server: Server };
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/suda`;
    assert.equal((await fetch(url, { method: "POST", body: "{}" })).status, 401);
    await suda.backend().request("PUT", "/v1/bots/tutor/webhook", { url });
    await using alice = await suda.connect("alice");
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("tutor") });
    await alice.request({ type: "message.send", conversation: conversation.id, clientId: clientId("k"), content: textOf("안녕") });
    const answer = await alice.event("message.created", ({ from }) => from === "tutor");
    assert.equal(answer.content.type === "text" && answer.content.text, "You said: 안녕");
  } finally {
    delete process.env["WEBHOOK_SECRET"];
    rmSync(directory, { recursive: true });
  }
});

test("links inside the document lead somewhere", () => {
  const anchors = anchorsOf(document);
  const links = Array.from((document + read("docs/PROTOCOL.md")).matchAll(/\]\(BOTS\.md#([^)]*)\)/g), ([, anchor = ""]) => anchor);
  const own = Array.from(document.matchAll(/\]\(#([^)]*)\)/g), ([, anchor = ""]) => anchor);
  assert.ok(links.length > 20 && own.length > 8);
  assert.deepEqual(
    [...new Set([...links, ...own])].filter((anchor) => !anchors.has(anchor)),
    [],
  );
  for (const other of ["PROTOCOL.md", "TESTING.md"]) {
    const there = anchorsOf(read(`docs/${other}`));
    const wanted = Array.from(document.matchAll(/\]\(([A-Z]+\.md)#([^)]*)\)/g)).filter(([, file]) => file === other);
    assert.ok(wanted.length > 0, other);
    for (const [, , anchor = ""] of wanted) assert.ok(there.has(anchor), `${other}#${anchor}`);
  }
});

function anchorsOf(markdown: string): ReadonlySet<string> {
  return new Set(
    Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}
