/**
 * ③ From a WebSocket message to trusted commands: codec → one frame or an array → type → bytes → schema.
 * After this nothing of ours looks at `unknown` again.
 */
import { createByteReviver, type ByteReviver } from "./byte-fields.ts";
import type { Codec, ParseOptions } from "./codec.ts";
import { commands, isCommandType, type Command, type CommandType, type Ref } from "./commands.ts";
import { SudaError } from "./errors.ts";
import { commandSchema, EventSchema, replySchema, type ServerFrame } from "./frames.ts";
import { limits } from "./limits.ts";
import { RefSchema } from "./scalars.ts";
import { createValidator, type Validator } from "./validator.ts";

/** A command, or the refusal of one frame with the `ref` it carried, as far as that could be read. */
export type Decoded = { readonly command: Command } | { readonly error: SudaError; readonly ref: Ref | undefined };

interface CommandReader {
  readonly revive: ByteReviver | undefined;
  readonly validator: Validator<Command>;
}

const readers = new Map<CommandType, CommandReader>();
const refValidator = createValidator<Ref>(RefSchema);

/**
 * Reads one WebSocket message. One frame that is refused does not harm the others of its array.
 * @throws SudaError when the message as a whole is not of this protocol (nothing in it has a `ref` that could be answered)
 */
export function decodeCommands(codec: Codec, message: string | Uint8Array): readonly Decoded[] {
  const parsed = codec.parse(message);
  if (!Array.isArray(parsed)) return [decodeCommand(codec, parsed)];
  if (parsed.length === 0 || parsed.length > limits.batchMaxFrames)
    throw new SudaError("frame.malformed", `An array frame holds 1 to ${limits.batchMaxFrames} commands.`);
  return parsed.map((frame: unknown) => decodeCommand(codec, frame));
}

function decodeCommand(codec: Codec, frame: unknown): Decoded {
  if (typeof frame !== "object" || frame === null || Array.isArray(frame))
    throw new SudaError("frame.malformed", "A frame is an object with a type and a ref.");
  const fields = frame as Readonly<Record<string, unknown>>;
  const ref = refValidator.is(fields["ref"]) ? fields["ref"] : undefined;
  const type = fields["type"];
  if (typeof type !== "string" || !isCommandType(type)) {
    const name = typeof type === "string" ? JSON.stringify(type.slice(0, 64)) : "without a type";
    return { error: new SudaError("frame.unknown_type", `There is no command ${name}. Known: ${Object.keys(commands).join(", ")}.`, { path: "/type" }), ref };
  }
  const reader = readerOf(type);
  try {
    const value = codec.isText && reader.revive !== undefined ? reader.revive(frame) : frame;
    return { command: reader.validator.check(value) };
  } catch (error) {
    if (error instanceof SudaError) return { error, ref };
    throw error;
  }
}

function readerOf(type: CommandType): CommandReader {
  let reader = readers.get(type);
  if (reader === undefined) {
    const schema = commandSchema(type);
    reader = { revive: createByteReviver(schema), validator: createValidator<Command>(schema) };
    readers.set(type, reader);
  }
  return reader;
}

const reviveEvent = createByteReviver(EventSchema);
const reviveHistory = createByteReviver(replySchema("history.get"));
const reviveConversations = createByteReviver(replySchema("hello"));
const reviveConversation = createByteReviver(replySchema("conversation.get"));

/**
 * The client's side: frames of one WebSocket message from a server, bytes restored. A server is trusted to
 * follow the protocol, and unknown fields and types of a newer one pass, so there is no validation here.
 */
export function decodeServerFrames(
  codec: Codec,
  message: string | Uint8Array,
  options: ParseOptions = { maxBytes: 16_777_216, maxKeys: 1_000_000 },
): readonly ServerFrame[] {
  const parsed = codec.parse(message, options);
  const frames = (Array.isArray(parsed) ? parsed : [parsed]) as ServerFrame[];
  if (!codec.isText) return frames;
  for (const frame of frames) {
    if (frame.type !== "reply") reviveEvent?.(frame);
    else if ("events" in frame) reviveHistory?.(frame);
    else if ("conversations" in frame) reviveConversations?.(frame);
    else if ("conversation" in frame) reviveConversation?.(frame);
  }
  return frames;
}
