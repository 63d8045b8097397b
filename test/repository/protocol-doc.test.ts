/** docs/PROTOCOL.md says what the code does: its tables are the code's, and its examples fit their schemas. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  closeCodes,
  commands,
  commandSchema,
  contentSchemas,
  createValidator,
  decodeCommands,
  decodeServerFrames,
  ErrorFrameSchema,
  errors,
  EventSchema,
  isErrorCode,
  isResumableCloseCode,
  needsAltText,
  jsonCodec,
  replySchema,
  type Command,
  type CommandType,
  type Content,
  type ServerFrame,
} from "@suda/protocol";
import { documents, eventSchemas, withGeneratedBlocks } from "../../scripts/generated-blocks.ts";
import { exampleBlocks } from "./example-frames.ts";
import { between, codeSpans, paths, read, tableRows } from "./repository.ts";

const document = read("docs/PROTOCOL.md");

describe("tables", () => {
  test("the error table equals the code, both ways", () => {
    const told = tableRows(between(document, "<!-- generated:errors -->", "<!-- /generated -->")).map(([code = "", status, retryable, means]) => {
      return [codeSpans(code)[0], { status: Number(status), retryable: retryable === "yes", means }];
    });
    assert.deepEqual(Object.fromEntries(told), errors);
  });

  test("the close code table equals the code, both ways", () => {
    const told = tableRows(between(document, "<!-- generated:close-codes -->", "<!-- /generated -->")).map(([code, name = "", resumable, means]) => {
      return [codeSpans(name)[0], { code: Number(code), resumable: resumable === "yes", means }];
    });
    assert.deepEqual(Object.fromEntries(told), closeCodes);
  });

  test("the ranges of close codes say the same as the table", () => {
    for (const code of [1001, 1006, 1011, 1012, 1013, 4000, 4499]) assert.equal(isResumableCloseCode(code), true, String(code));
    for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 4500, 4999]) assert.equal(isResumableCloseCode(code), false, String(code));
  });

  for (const path of documents.filter((one) => paths.includes(one))) {
    test(`the generated blocks of ${path} are current (npm run docs)`, () => {
      assert.equal(read(path), withGeneratedBlocks(read(path)));
    });
  }
});

describe("examples", () => {
  const blocks = exampleBlocks(document);

  test("there are some", () => {
    assert.ok(blocks.length > 25, `${blocks.length} blocks`);
  });

  for (const { line, frames } of blocks) {
    test(`the block at line ${line} fits its schemas`, () => {
      const asked = new Map<unknown, CommandType>();
      for (const { isCommand, text } of frames) {
        if (isCommand) for (const command of checkCommands(text)) asked.set(command.ref, command.type);
        else for (const frame of decodeServerFrames(jsonCodec, text)) checkServerFrame(frame, asked);
      }
    });
  }

  test("every command has an example, and so has its reply", () => {
    const shown = blocks.flatMap(({ frames }) => frames.filter(({ isCommand }) => isCommand).flatMap(({ text }) => checkCommands(text)));
    assert.deepEqual([...new Set(shown.map(({ type }) => type))].sort(), Object.keys(commands).sort());
    const answered = blocks.flatMap(({ frames }) => {
      const types = new Map(
        frames.filter(({ isCommand }) => isCommand).flatMap(({ text }) => checkCommands(text).map(({ ref, type }) => [ref, type] as const)),
      );
      const replies = frames.filter(({ isCommand }) => !isCommand).flatMap(({ text }) => decodeServerFrames(jsonCodec, text));
      return replies.flatMap((frame) => (frame.type === "reply" ? (types.get(frame.ref) ?? []) : []));
    });
    assert.deepEqual([...new Set(answered)].sort(), Object.keys(commands).sort());
  });

  test("every event and every kind of content has an example", () => {
    const frames = blocks.flatMap((block) => block.frames);
    const told = frames.filter(({ isCommand }) => !isCommand).flatMap(({ text }) => decodeServerFrames(jsonCodec, text).map(({ type }) => type));
    assert.deepEqual(
      [...eventSchemas().keys()].filter((type) => !told.includes(type as ServerFrame["type"])),
      [],
    );
    const kinds = frames
      .filter(({ isCommand }) => isCommand)
      .flatMap(({ text }) => checkCommands(text).flatMap((command) => (command.type === "message.send" ? command.content.type : [])));
    const known = contentSchemas.map((schema) => (schema as unknown as { properties: { type: { const: Content["type"] } } }).properties.type.const);
    const plain = known.filter((type) => !needsAltText(type));
    assert.deepEqual([...new Set(kinds)].sort(), plain.sort());
    const bots = read("docs/BOTS.md");
    for (const type of known) assert.ok(bots.includes(`\n### ${type}\n`) && bots.includes(`<!-- generated:bot-example ${type} -->`), type);
  });

  test("every command and event has its heading", () => {
    const headings = new Set(Array.from(document.matchAll(/^### (\S+)$/gm), ([, heading]) => heading));
    assert.deepEqual(
      [...Object.keys(commands), ...eventSchemas().keys()].filter((type) => !headings.has(type)),
      [],
    );
  });
});

test("links inside the document lead somewhere", () => {
  const anchors = new Set(
    Array.from(
      document.matchAll(/^#+ (.+)$/gm),
      ([, heading = ""]) =>
        `#${heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} .-]/gu, "")
          .replaceAll(".", "")
          .replaceAll(" ", "-")}`,
    ),
  );
  const links = Array.from(document.matchAll(/\]\((#[^)]*)\)/g), ([, target = ""]) => target);
  assert.ok(links.length > 20);
  assert.deepEqual(
    links.filter((link) => !anchors.has(link)),
    [],
  );
});

/** Through the server's own decoder, with all its checks. */
function checkCommands(text: string): readonly Command[] {
  return decodeCommands(jsonCodec, text).map((decoded) => {
    if ("error" in decoded) throw new Error(`${text}\n${decoded.error.message}`);
    // What the decoder took also fits the schema that /asyncapi.json shows.
    return createValidator<Command>(commandSchema(decoded.command.type)).check(decoded.command);
  });
}

function checkServerFrame(frame: ServerFrame, asked: ReadonlyMap<unknown, CommandType>): void {
  if (frame.type === "reply") {
    const type = asked.get(frame.ref);
    assert.ok(type !== undefined, `no command of the block has the ref ${JSON.stringify(frame.ref)}`);
    createValidator(replySchema(type)).check(frame);
  } else if (frame.type === "error") {
    createValidator(ErrorFrameSchema).check(frame);
    assert.ok(isErrorCode(frame.code), frame.code);
    assert.equal(frame.retryable, errors[frame.code].retryable, frame.code);
  } else {
    createValidator(EventSchema).check(frame);
  }
}
