/** `suda lint` as a person runs it: as a process, with files and standard input. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stringifyFrame } from "@suda/protocol";
import { goldenKinds, goldenMessage, goldenMessages } from "@suda/testing";

const program = fileURLToPath(new URL("../../bin/suda.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "suda-lint-"));
after(() => rmSync(directory, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: readonly string[];
}

function lint(args: readonly string[], input = ""): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "lint", ...args], { cwd: directory, encoding: "utf8", input });
  return { code: status, lines: stdout.trimEnd().split("\n"), errors: stderr.trimEnd().split("\n") };
}

function file(name: string, content: string | Uint8Array | object): string {
  writeFileSync(join(directory, name), typeof content === "string" || content instanceof Uint8Array ? content : stringifyFrame(content));
  return name;
}

function assertRefused({ code, errors }: Ran, expected: { readonly code: 1 | 2; readonly what: RegExp; readonly fix: RegExp }): void {
  assert.equal(errors.length, 2, errors.join("\n"));
  assert.match(errors[0] ?? "", expected.what);
  assert.match(errors[1] ?? "", /^→ ./);
  assert.match(errors[1] ?? "", expected.fix);
  assert.equal(code, expected.code);
}

const text = { content: { type: "text", text: "안녕하세요" } };
const longLabel = {
  content: { type: "card", title: "t", buttons: [{ type: "message", id: "a", label: "가".repeat(15), text: "x" }] },
  altText: "x",
};

test("[T12] a message that is fine everywhere says so and exits with 0", () => {
  assert.deepEqual(lint([file("text.json", text)]), { code: 0, lines: ["✓ 1 message: fine, also for line, kakao, messenger, telegram"], errors: [""] });
  assert.equal(lint(["--strict", "text.json"]).code, 0);
  assert.deepEqual(lint(["--target", "line,kakao", "-"], JSON.stringify([text, text])).lines, ["✓ 2 messages: fine, also for line, kakao"]);
});

test("[T12] every golden message is taken, five at a time, bytes too", () => {
  for (let from = 0; from < goldenMessages.length; from += 5) {
    const messages = goldenMessages.slice(from, from + 5).map(({ message }) => message);
    const { code, lines } = lint(["--target", "telegram", file("golden.json", messages)]);
    assert.equal(code, 0, lines.join("\n"));
  }
});

test("[T12] warnings name platform and path; only --strict makes them a failure, and only those asked for are told", () => {
  const name = file("card.json", longLabel);
  const all = lint([name]);
  assert.deepEqual(all.lines, ["! kakao: /content/buttons/0/label has 15 characters; Kakao shows 14.", "! 1 message: 0 errors, 1 warning"]);
  assert.equal(all.code, 0);
  assert.equal(lint([name, "--strict"]).code, 1);
  assert.equal(lint([name, "--strict", "--target", "line"]).code, 0);
  const four = lint(["--target", "kakao", file("four.json", [text, text, text, longLabel])]);
  assert.deepEqual(
    four.lines.map((line) => line.split(" ").slice(0, 3).join(" ")),
    ["! kakao: /3/content/buttons/0/label", "! kakao: /3", "! 4 messages:"],
  );
  const json = lint([name, "--json"]).lines.map((line) => JSON.parse(line) as object);
  assert.deepEqual(json, [
    { level: "warning", target: "kakao", path: "/content/buttons/0/label", message: "/content/buttons/0/label has 15 characters; Kakao shows 14." },
    { messages: 1, errors: 0, warnings: 1 },
  ]);
});

test("[T1] [T12] a message that the server would refuse is an error with its path, and exits with 1", () => {
  const { altText: _altText, ...bare } = goldenMessage("card");
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [bare, /^✗ \/altText is missing/],
    [{ ...longLabel, content: { ...longLabel.content, title: "가".repeat(81) } }, /^✗ \/content\/title must not have more than 80/],
    [{ ...longLabel, subject: "x" }, /^✗ \/subject is not a field/],
    [[text, { content: { type: "poster" } }], /^✗ \/1\/content\/type must be one of "text"/],
    [[text, longLabel, bare], /^✗ \/2\/altText is missing/],
    [[], /^✗ The file has 0 messages; a bot sends 1 to 5 at once\.$/],
    [Array.from({ length: 6 }, () => text), /^✗ The file has 6 messages/],
    ["x", /^✗ A message is an object/],
    [{ content: { type: "bytes", mime: "a/b", bytes: "not base64" } }, /^✗ \/content\/bytes must be 1 to 49152 bytes/],
  ];
  for (const [message, expected] of cases) {
    const { code, lines } = lint(["-"], JSON.stringify(message));
    assert.match(lines[0] ?? "", expected);
    assert.match(lines[1] ?? "", /^✗ \d messages?: 1 error, 0 warnings$/);
    assert.equal(code, 1);
  }
});

test("a file that cannot be looked at says why and what to do", () => {
  assertRefused(lint(["nowhere.json"]), { code: 1, what: /nowhere\.json does not exist/, fix: /Name a file/ });
  assertRefused(lint(["."]), { code: 1, what: /is a directory/, fix: /Name a file/ });
  assertRefused(lint([file("empty.json", " \n")]), { code: 1, what: /empty\.json is empty/, fix: /docs\/BOTS\.md/ });
  assertRefused(lint([file("broken.json", '{\n  "content": {,}\n}')]), { code: 1, what: /is not JSON/, fix: /line 2, column 15/ });
  assertRefused(lint([file("cut.json", '{"content": {')]), { code: 1, what: /is not JSON/, fix: /line 1|not closed/ });
  assertRefused(lint([file("latin.json", Uint8Array.of(0x22, 0xe9, 0x22))]), { code: 1, what: /is not UTF-8/, fix: /UTF-8/ });
  assertRefused(lint([file("deep.json", "[".repeat(40) + "]".repeat(40))]), { code: 1, what: /nested too deeply/, fix: /./ });
  assertRefused(lint([file("proto.json", '{"__proto__": {}}')]), { code: 1, what: /__proto__/, fix: /./ });
  assertRefused(lint([file("large.json", " ".repeat(700_000))]), { code: 1, what: /is over 655360 bytes/, fix: /65,536/ });
  assertRefused(lint(["-"]), { code: 1, what: /Standard input is empty/, fix: /./ });
});

test("a command that is asked wrongly exits with 2", () => {
  const name = file("text.json", text);
  assertRefused(lint([name, "--target", "kakoa"]), { code: 2, what: /kakoa is not a platform/, fix: /Did you mean kakao\?/ });
  assertRefused(lint([name, "--target", "icq"]), { code: 2, what: /icq is not a platform/, fix: /line, kakao, messenger, telegram/ });
  assertRefused(lint([name, "--target", ","]), { code: 2, what: /names no platform/, fix: /line/ });
  assertRefused(lint([]), { code: 2, what: /needs FILE/, fix: /--help/ });
  assertRefused(lint([name, "more.json"]), { code: 2, what: /no place/, fix: /--help/ });
});

test("[T40] [T41] with --kinds, custom content is held against its kind as a server would; without, its data is not looked at", () => {
  const kinds = file("kinds.json", goldenKinds);
  const custom = goldenMessage("custom");
  assert.equal(lint(["--kinds", kinds, file("poll.json", custom)]).code, 0);
  const wrong = file("wrong.json", [custom, { ...custom, content: { ...custom.content, data: { question: "?", options: ["a", 1] } } }]);
  assert.deepEqual(lint(["--kinds", kinds, wrong]), {
    code: 1,
    lines: ["✗ /1/content/data/options/1 must be string.", "✗ 2 messages: 1 error, 0 warnings"],
    errors: [""],
  });
  assert.equal(lint([wrong]).code, 0);
  assert.match(lint(["--kinds", file("none.json", {}), "poll.json"]).lines[0] ?? "", /^✗ \/content\/kind is not one of the kinds/);
  assertRefused(lint(["--kinds", file("typo.json", { quiz: { requried: [] } }), "poll.json"]), { code: 1, what: /quiz: \/requried/, fix: /BOTS\.md/ });
  assertRefused(lint(["--kinds", file("list.json", []), "poll.json"]), { code: 1, what: /no kinds/, fix: /poll\.v1/ });
});
