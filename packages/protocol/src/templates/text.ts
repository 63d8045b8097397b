/** A text, and who is mentioned in it. */
import Type from "typebox";
import { limits } from "../limits.ts";
import { Closed, UserIdSchema } from "../scalars.ts";

const mention = Closed(
  {
    user: UserIdSchema,
    offset: Type.Integer({ minimum: 0, maximum: limits.textMaxLength, description: "First code point of the mention in the text" }),
    length: Type.Integer({ minimum: 1, maximum: limits.textMaxLength, description: "Code points of the mention" }),
  },
  { title: "Mention" },
);

export interface Mention extends Type.Static<typeof mention> {}
export const MentionSchema = Type.Unsafe<Mention>(mention);

const textContent = Closed(
  {
    type: Type.Literal("text"),
    text: Type.String({ minLength: 1, maxLength: limits.textMaxLength, description: "Counted in code points" }),
    mentions: Type.Optional(Type.Array(MentionSchema, { maxItems: limits.mentionsMax })),
  },
  { title: "TextContent" },
);

export interface TextContent extends Type.Static<typeof textContent> {}
export const TextContentSchema = Type.Unsafe<TextContent>(textContent);
