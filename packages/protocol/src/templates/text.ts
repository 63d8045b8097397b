/** A text, and what parts of it are: mentions, links, bold, italic, code. The text itself is never interpreted. */
import Type from "typebox";
import { limits } from "../limits.ts";
import { Closed, UrlSchema, UserIdSchema } from "../scalars.ts";

const range = {
  offset: Type.Integer({ minimum: 0, maximum: limits.textMaxLength, description: "First code point of the part" }),
  length: Type.Integer({ minimum: 1, maximum: limits.textMaxLength, description: "Code points of the part" }),
} as const;

const mention = Closed({ type: Type.Literal("mention"), ...range, user: UserIdSchema }, { title: "Mention" });

export interface Mention extends Type.Static<typeof mention> {}
export const MentionSchema = Type.Unsafe<Mention>(mention);

const link = Closed({ type: Type.Literal("link"), ...range, url: UrlSchema }, { title: "Link" });

export interface Link extends Type.Static<typeof link> {}
export const LinkSchema = Type.Unsafe<Link>(link);

const bold = Closed({ type: Type.Literal("bold"), ...range }, { title: "Bold" });

export interface Bold extends Type.Static<typeof bold> {}
export const BoldSchema = Type.Unsafe<Bold>(bold);

const italic = Closed({ type: Type.Literal("italic"), ...range }, { title: "Italic" });

export interface Italic extends Type.Static<typeof italic> {}
export const ItalicSchema = Type.Unsafe<Italic>(italic);

const code = Closed({ type: Type.Literal("code"), ...range }, { title: "Code" });

export interface Code extends Type.Static<typeof code> {}
export const CodeSchema = Type.Unsafe<Code>(code);

export type Entity = Mention | Link | Bold | Italic | Code;
export const EntitySchema = Type.Unsafe<Entity>(Type.Union([MentionSchema, LinkSchema, BoldSchema, ItalicSchema, CodeSchema], { title: "Entity" }));

const textContent = Closed(
  {
    type: Type.Literal("text"),
    text: Type.String({ minLength: 1, maxLength: limits.textMaxLength, description: "Counted in code points" }),
    entities: Type.Optional(Type.Array(EntitySchema, { maxItems: limits.entitiesMax })),
  },
  { title: "TextContent" },
);

export interface TextContent extends Type.Static<typeof textContent> {}
export const TextContentSchema = Type.Unsafe<TextContent>(textContent);
