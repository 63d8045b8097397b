/**
 * What clients of the protocol machine do, step by step. Commands come from the table of the protocol: each with
 * fields of its schema, in which ids, tokens and epochs are placeholders that the machine resolves when the step is
 * taken, because they are not known before.
 */
import { commands, commandSchema, type CommandType } from "@suda/protocol";
import fc from "fast-check";
import type Type from "typebox";
import { schemaArbitrary, type SchemaNode } from "./schema-arbitrary.ts";

/** Who may connect; `nobody` is only spoken of. */
export const users = ["alice", "bob", "carol", "mallory", "eve"] as const;

export const tokenKinds = ["own", "short", "other", "forged", "expired"] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** One thing wrong with a frame, such that its answer is known. */
export type Flaw = "none" | "unknown type" | "extra field" | "missing field" | "no ref" | "bad ref";

export interface FrameSpec {
  readonly command: Readonly<Record<string, unknown>> & { readonly type: CommandType };
  readonly ref: number | string;
  readonly flaw: Flaw;
}

export type Step =
  | {
      readonly step: "connect";
      readonly user: string;
      readonly encoding: "json" | "msgpack";
      readonly hasHandshakeToken: boolean;
      readonly isGreeted: boolean;
      readonly isGreetingAwaited: boolean;
    }
  /** One WebSocket message: a frame, or an array of them. The answers may be waited for, or the next step follows at once. */
  | { readonly step: "say"; readonly connection: number; readonly frames: readonly FrameSpec[]; readonly isArray: boolean; readonly isAwaited: boolean }
  | { readonly step: "say nonsense"; readonly connection: number; readonly nonsense: number }
  | { readonly step: "hang up"; readonly connection: number }
  | { readonly step: "wait"; readonly ms: number };

/** `slot-3` is the machine's fourth conversation, or none when there are fewer. */
const slot = fc
  .oneof({ weight: 12, arbitrary: fc.nat(2) }, { weight: 3, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(40) })
  .map((index) => `slot-${index}`);
const user = fc.constantFrom(...users, "nobody");
const token = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...tokenKinds).map((kind) => `token:${kind}`) },
  { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
);
const smallNumber = fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.constantFrom(1_000, Number.MAX_SAFE_INTEGER) });

const plainText = fc.constantFrom("안녕", "hi", "one", "two").map((text) => ({ type: "text", text }));

const patterns: ReadonlyMap<unknown, fc.Arbitrary<unknown>> = new Map([
  [patternOf("user.get", "user"), user],
  [patternOf("conversation.get", "conversation"), slot],
  // Few, so that they are used again, for the same thing and for others.
  [patternOf("message.send", "clientId"), fc.nat(20).map((id) => `c${id}`)],
]);

function patternOf(type: CommandType, field: string): unknown {
  return (commandSchema(type) as SchemaNode).properties?.[field]?.pattern;
}

function override(schema: SchemaNode, name: string | undefined): fc.Arbitrary<unknown> | undefined {
  if (schema.pattern !== undefined && patterns.has(schema.pattern)) return patterns.get(schema.pattern);
  if (name === "token") return token;
  if (name === "epoch") return fc.constantFrom("right", "right", "wrong");
  // Mostly of what is said at the beginning, or there is nothing to change.
  if (name === "target" || name === "replyTo") return fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: smallNumber });
  if (name === "content") return fc.oneof({ weight: 3, arbitrary: plainText }, { weight: 1, arbitrary: schemaArbitrary(schema as Type.TSchema) });
  if (name === "limit") return fc.constantFrom(1, 2, 200);
  if (schema.type === "integer" && schema.maximum === Number.MAX_SAFE_INTEGER) return smallNumber;
  return undefined;
}

const types = Object.keys(commands) as CommandType[];

const command = fc.oneof(
  ...types.map((type) => ({
    // Without messages there is little that the others could be about.
    weight: type === "message.send" ? 6 : 1,
    arbitrary: (schemaArbitrary(commandSchema(type), { override }) as fc.Arbitrary<FrameSpec["command"]>).map(
      ({ ref: _ref, ...rest }) => rest as FrameSpec["command"],
    ),
  })),
);

const flaw: fc.Arbitrary<Flaw> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Flaw>("none") },
  { weight: 1, arbitrary: fc.constantFrom<Flaw>("unknown type", "extra field", "missing field", "no ref", "bad ref") },
);

const frame: fc.Arbitrary<FrameSpec> = fc.record({ command, ref: fc.oneof(fc.nat(3), fc.constantFrom("a", "1", "수다"), fc.maxSafeNat()), flaw });

const connection = fc.nat(7);

const connect: fc.Arbitrary<Step> = fc.record({
  step: fc.constant("connect" as const),
  user: fc.constantFrom(...users),
  encoding: fc.constantFrom("json" as const, "msgpack" as const),
  hasHandshakeToken: fc.boolean(),
  isGreeted: fc.constantFrom(true, true, true, false),
  isGreetingAwaited: fc.boolean(),
});
const say: fc.Arbitrary<Step> = fc
  .record({ connection, frames: fc.array(frame, { minLength: 1, maxLength: 5 }), isArray: fc.boolean(), isAwaited: fc.boolean() })
  .map(({ isArray, frames, ...rest }) => ({ step: "say", ...rest, frames: isArray ? frames : frames.slice(0, 1), isArray }));
const nonsense: fc.Arbitrary<Step> = fc.record({ step: fc.constant("say nonsense" as const), connection, nonsense: fc.nat(20) });
const hangUp: fc.Arbitrary<Step> = fc.record({ step: fc.constant("hang up" as const), connection });
const wait: fc.Arbitrary<Step> = fc.record({ step: fc.constant("wait" as const), ms: fc.constantFrom(1, 1_000, 9_000, 11_000, 30_000, 4_000_000) });

/** How often a step comes among others: fast-check takes each arbitrary of a list equally often. */
export function stepArbitraries({ isTimeMoved }: { readonly isTimeMoved: boolean }): readonly fc.Arbitrary<Step>[] {
  const times = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);
  return [...times(4, connect), ...times(24, say), nonsense, hangUp, ...(isTimeMoved ? [wait] : [])];
}

/** Messages that are not of the protocol: as text on a JSON connection, as bytes on a MessagePack one. */
export const nonsenseTexts = [
  "",
  "{",
  "null",
  "[]",
  "[[]]",
  '"hello"',
  '{"type":"hello","ref":1,"__proto__":{}}',
  `${"[".repeat(40)}${"]".repeat(40)}`,
  "[null]",
];
export const nonsenseBytes = ["", "c1", "c0", "90", "9190", "a568656c6c6f", "81a95f5f70726f746f5f5f01", `${"91".repeat(40)}90`, "91c0", "d40001"].map((hex) =>
  Buffer.from(hex, "hex"),
);
