/** What the routes of dead letters take and answer, those of bots and that of the product's hook. */
import { Closed, CountSchema, DeadLetterSchema } from "@suda/protocol";
import Type from "typebox";

export const DeadLetterIdSchema: Type.TString = Type.String({ pattern: "^[0-9a-z]{9}-[A-Za-z0-9_-]{1,100}$" });

export const pageOfLetters: Type.TObject<{ after: Type.TOptional<Type.TString>; limit: Type.TOptional<Type.TInteger> }> = Closed({
  after: Type.Optional(DeadLetterIdSchema),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
});

export const lettersReply: Type.TObject = Closed({ deadLetters: Type.Array(DeadLetterSchema) });

const replayFields = {
  outcome: Type.Union([Type.Literal("delivered"), Type.Literal("gone"), Type.Literal("failed")]),
  code: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
} as const;

export const ReplayedSchema: Type.TObject = Closed(replayFields);
export const ReplayedAllSchema: Type.TObject = Closed({
  delivered: CountSchema,
  gone: CountSchema,
  left: CountSchema,
  failed: Type.Optional(Closed(replayFields)),
});
