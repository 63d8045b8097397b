/** Every golden message is one that the server takes, and comes back as it was sent, in both encodings. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkMessage, codecs, contentSchemas, createValidator, decodeCommands, decodeServerFrames, MessageBodySchema, type MessageBody } from "@suda/protocol";
import { goldenMessage, goldenMessages } from "./golden-messages.ts";

const types = contentSchemas.map((schema) => (schema as unknown as { properties: { type: { const: string } } }).properties.type.const);
const validator = createValidator<MessageBody>(MessageBodySchema);

describe("golden messages", () => {
  test("there is one of every type in Korean and in English, and its type is the content's", () => {
    const expected = types.flatMap((type) => [`${type} en`, `${type} ko`]);
    assert.deepEqual(goldenMessages.map(({ type, locale }) => `${type} ${locale}`).sort(), expected.sort());
    for (const { type, message } of goldenMessages) assert.equal(message.content.type, type);
    assert.equal(goldenMessage("card", "ko").altText, "이차방정식 풀이: x = 2 또는 x = −3");
  });

  test("[T1] each fits its schema and the rules across fields", () => {
    for (const { message } of goldenMessages) {
      assert.equal(validator.check(message), message);
      assert.equal(checkMessage(message), undefined);
    }
  });

  for (const codec of codecs) {
    test(`[F14] each is read as it was written: ${codec.name}`, () => {
      const received = (frame: object): string | Uint8Array => {
        const bytes = codec.encode(frame);
        return codec.isText ? new TextDecoder().decode(bytes) : Buffer.from(bytes);
      };
      for (const { message } of goldenMessages) {
        const command = { type: "message.send", ref: 1, conversation: "c", clientId: "k", ...message };
        assert.deepEqual(decodeCommands(codec, received(command)), [{ command }]);
        const event = { type: "message.created", conversation: "c", seq: 1, at: 1_700_000_000_000, from: "bot", clientId: "k", ...message };
        assert.deepEqual(decodeServerFrames(codec, received(event)), [event]);
      }
    });
  }
});
