/** The bounds of every kind of content, at the limit and one beyond. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codecs } from "./codecs.ts";
import { ContentSchema, type Content } from "./content.ts";
import { decodeCommands } from "./decode.ts";
import { stringifyFrame } from "./json-codec.ts";
import { limits } from "./limits.ts";
import { createValidator } from "./validator.ts";

const validator = createValidator<Content>(ContentSchema);
const takes = (content: unknown): void => assert.ok(validator.is(content), `refused: ${JSON.stringify(content).slice(0, 200)}`);
const refuses = (content: unknown): void => assert.ok(!validator.is(content), `taken: ${JSON.stringify(content).slice(0, 200)}`);

describe("content", () => {
  test("[F17] a text of 5,000 code points is taken, 5,001 and an empty one are refused", () => {
    for (const character of ["a", "가", "👋", "\0"]) {
      takes({ type: "text", text: character.repeat(5_000) });
      refuses({ type: "text", text: character.repeat(5_001) });
    }
    takes({ type: "text", text: "👩‍👩‍👧‍👦" });
    refuses({ type: "text", text: "" });
  });

  test("[F11] 100 entities are taken, 101 are refused", () => {
    const entities = (count: number): object[] => Array.from({ length: count }, () => ({ type: "mention", user: "bob", offset: 0, length: 1 }));
    takes({ type: "text", text: "@", entities: entities(100) });
    refuses({ type: "text", text: "@", entities: entities(101) });
    refuses({ type: "text", text: "@", entities: [{ type: "mention", user: "bob", offset: 0, length: 0 }] });
    refuses({ type: "text", text: "@", entities: [{ type: "mention", user: "bob", offset: -1, length: 1 }] });
    refuses({ type: "text", text: "@", entities: [{ type: "mention", user: "bob smith", offset: 0, length: 1 }] });
  });

  test("[C16] a URL is https, or http to the machine itself", () => {
    for (const url of ["https://a.example/x?y#z", "https://a", "http://localhost", "http://localhost:8000/x", "http://127.0.0.1/", "http://[::1]:1?x"])
      takes({ type: "image", url });
    for (const url of [
      "",
      "https://",
      "https:///x",
      "http://a.example/",
      "http://localhost.evil.example/",
      "http://localhost@evil.example/",
      "http://127.0.0.1.evil.example",
      "http://localhost:8000@evil.example/",
      "javascript:alert(1)",
      "JAVASCRIPT:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "//a.example",
      "ftp://a.example",
      "blob:https://a.example/x",
      "https://a.example/ x",
      "https://a.example/\n",
      " https://a.example/",
      "vbscript:x",
    ])
      refuses({ type: "image", url });
    takes({ type: "image", url: `https://a.example/${"x".repeat(limits.urlMaxLength - 18)}` });
    refuses({ type: "image", url: `https://a.example/${"x".repeat(limits.urlMaxLength - 17)}` });
  });

  test("[C17] bytes are 1 to 49,152", () => {
    const bytes = (length: number): object => ({ type: "bytes", mime: "image/png", bytes: new Uint8Array(length) });
    takes(bytes(1));
    takes(bytes(limits.bytesMaxBytes));
    refuses(bytes(0));
    refuses(bytes(limits.bytesMaxBytes + 1));
    refuses({ type: "bytes", mime: "image/png", bytes: "AAAA" });
    refuses({ type: "bytes", mime: "image/png", bytes: [1, 2, 3] });
  });

  test("[C17] 49,152 bytes fit into a MessagePack frame and 48,000 into a JSON frame, whatever stands beside them", () => {
    for (const codec of codecs) {
      const frame = {
        type: "message.send",
        ref: "r".repeat(64),
        conversation: "c".repeat(64),
        clientId: "k".repeat(64),
        content: {
          type: "bytes",
          mime: `a/${"b".repeat(100)}`,
          name: "n".repeat(255),
          bytes: new Uint8Array(codec.isText ? 48_000 : limits.bytesMaxBytes).fill(255),
        },
      };
      const encoded = codec.encode(frame);
      assert.deepEqual(decodeCommands(codec, codec.isText ? new TextDecoder().decode(encoded) : encoded), [{ command: frame }]);
    }
  });

  test("[F14] base64 is strict: padded, standard alphabet, nothing else", () => {
    const [json] = codecs;
    assert.ok(json !== undefined, "there is a codec");
    const isRead = (bytes: unknown): boolean => {
      const frame = { type: "message.send", ref: 1, conversation: "c", clientId: "k", content: { type: "bytes", mime: "a/b", bytes } };
      return "command" in (decodeCommands(json, JSON.stringify(frame))[0] as object);
    };
    for (const base64 of ["AA==", "AAA=", "AAAA", "+/8="]) assert.ok(isRead(base64), base64);
    for (const base64 of ["", "A", "AA", "AAA", "AA=", "A===", "====", "-_8=", "AA==\n", "AA AA", "AA==AA==", "가가가가", 5, [1], {}, null])
      assert.ok(!isRead(base64), JSON.stringify(base64));
  });

  test("[F11] media, files and places stop at their bounds", () => {
    const url = "https://a.example/x";
    takes({ type: "image", url, width: 1, height: 65_535, alt: "a".repeat(300), caption: "👋".repeat(1_000), preview: url });
    refuses({ type: "image", url, width: 0 });
    refuses({ type: "image", url, width: 65_536 });
    refuses({ type: "image", url, alt: "a".repeat(301) });
    refuses({ type: "image", url, caption: "a".repeat(1_001) });
    refuses({ type: "image", url, preview: "javascript:x" });
    takes({ type: "audio", url, durationMs: 86_400_000, waveform: Array.from({ length: 128 }, () => 255) });
    refuses({ type: "audio", url });
    refuses({ type: "audio", url, durationMs: 86_400_001 });
    refuses({ type: "audio", url, durationMs: 1, waveform: Array.from({ length: 129 }, () => 0) });
    refuses({ type: "audio", url, durationMs: 1, waveform: [256] });
    takes({ type: "file", url, name: "가".repeat(255), size: Number.MAX_SAFE_INTEGER, mime: "application/vnd.x+json" });
    refuses({ type: "file", url, name: "a".repeat(256) });
    refuses({ type: "file", url, name: "" });
    for (const mime of ["text", "text/", "/x", "Text/Html", "text/html; charset=utf-8", "a/b/c", "a\n/b"]) refuses({ type: "file", url, name: "a", mime });
    takes({ type: "location", latitude: 90, longitude: -180, title: "a", address: "b" });
    for (const wrong of [
      { latitude: 90.1 },
      { longitude: 180.1 },
      { latitude: Number.NaN },
      { longitude: Number.POSITIVE_INFINITY },
      { latitude: "1" },
      { title: "" },
    ])
      refuses({ type: "location", latitude: 0, longitude: 0, ...wrong });
  });

  test("[F11] no pattern of the protocol is slow on a hostile string", { timeout: 5_000 }, () => {
    const [json] = codecs;
    assert.ok(json !== undefined, "there is a codec");
    for (const part of ["a", "/", "+", "a/", "https://", "http://127.0.0.1", " ", "\t", ".", "=", "A", "가"]) {
      const text = part.repeat(Math.floor(15_000 / part.length));
      for (const tail of ["", "\n", "!", "👋"]) {
        validator.is({ type: "image", url: text + tail });
        validator.is({ type: "file", url: text, name: text, mime: text + tail });
        const content = { type: "bytes", mime: "a/b", bytes: text + tail };
        decodeCommands(json, JSON.stringify({ type: "user.get", ref: 1, user: text.slice(0, 5_000) + tail }));
        decodeCommands(json, stringifyFrame({ type: "message.send", ref: 1, conversation: text.slice(0, 999), clientId: text.slice(0, 999), content }));
      }
    }
  });
});
