/**
 * What can be tapped: nine kinds of actions, and quick replies. Every action has an `id`, unique in its message,
 * by which the tap is recorded, and a `label`, so that a screen reader or a terminal can offer what a picture shows.
 */
import Type from "typebox";
import { isCustomData, type CustomData } from "../custom-data.ts";
import { templateLimits } from "../limits.ts";
import { Closed, UrlSchema } from "../scalars.ts";

const common = {
  id: Type.String({ minLength: 1, maxLength: templateLimits.actionIdMaxLength, description: "Unique in the message" }),
  label: Type.String({ minLength: 1, maxLength: templateLimits.actionLabelMaxLength }),
  style: Type.Optional(Type.Union([Type.Literal("default"), Type.Literal("primary"), Type.Literal("danger")])),
  once: Type.Optional(Type.Boolean({ description: "Only the first tap counts; later ones get its result" })),
} as const;

/** What the bot gets back when the action is tapped: a text, or an object. */
export type PostbackData = string | CustomData;

export const PostbackDataSchema = Type.Unsafe<PostbackData>(
  Type.Union(
    [
      Type.String({ maxLength: templateLimits.postbackTextMaxLength }),
      Type.Refine(
        Type.Unsafe<CustomData>({ type: "object" }),
        (value) => isCustomData(value, templateLimits.postbackDataMaxBytes),
        () => "must be a JSON object of at most 4 KiB, nested at most 16 deep",
      ),
    ],
    { title: "PostbackData", description: "A text of at most 1,000 code points, or a JSON object of at most 4 KiB" },
  ),
);

/** A day, a time of day or both, without zone: `2026-03-01`, `09:30`, `2026-03-01T09:30`. */
export const LocalTimeSchema = Type.String({
  title: "LocalTime",
  pattern: "^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})$",
  description: "`2026-03-01`, `09:30` or `2026-03-01T09:30`, as the mode says",
});

const oneOf = <const Names extends readonly string[]>(names: Names) => Type.Unsafe<Names[number]>(Type.Union(names.map((name) => Type.Literal(name))));

const messageAction = Closed(
  { type: Type.Literal("message"), ...common, text: Type.String({ minLength: 1, maxLength: templateLimits.actionTextMaxLength }) },
  { title: "MessageAction" },
);

/** Says something in the user's name. */
export interface MessageAction extends Type.Static<typeof messageAction> {}
export const MessageActionSchema = Type.Unsafe<MessageAction>(messageAction);

const postbackAction = Closed(
  {
    type: Type.Literal("postback"),
    ...common,
    data: Type.Optional(PostbackDataSchema),
    displayText: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.displayTextMaxLength, description: "Shown as if the user had said it" })),
    route: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.routeMaxLength, description: "Which part of the bot answers" })),
  },
  { title: "PostbackAction" },
);

/** Tells the bot, without a message of the user's. */
export interface PostbackAction extends Type.Static<typeof postbackAction> {}
export const PostbackActionSchema = Type.Unsafe<PostbackAction>(postbackAction);

const uriAction = Closed({ type: Type.Literal("uri"), ...common, uri: UrlSchema, altUri: Type.Optional(UrlSchema) }, { title: "UriAction" });

/** Opens a page. */
export interface UriAction extends Type.Static<typeof uriAction> {}
export const UriActionSchema = Type.Unsafe<UriAction>(uriAction);

const callAction = Closed(
  {
    type: Type.Literal("call"),
    ...common,
    phone: Type.String({ minLength: 2, maxLength: templateLimits.phoneMaxLength, pattern: "^\\+?[0-9][0-9 ()-]*[0-9]$" }),
  },
  { title: "CallAction" },
);

/** Dials. */
export interface CallAction extends Type.Static<typeof callAction> {}
export const CallActionSchema = Type.Unsafe<CallAction>(callAction);

const datetimeAction = Closed(
  {
    type: Type.Literal("datetime"),
    ...common,
    mode: oneOf(["date", "time", "datetime"]),
    min: Type.Optional(LocalTimeSchema),
    max: Type.Optional(LocalTimeSchema),
    initial: Type.Optional(LocalTimeSchema),
    data: Type.Optional(PostbackDataSchema),
  },
  { title: "DatetimeAction" },
);

/** Asks for a day, a time, or both. */
export interface DatetimeAction extends Type.Static<typeof datetimeAction> {}
export const DatetimeActionSchema = Type.Unsafe<DatetimeAction>(datetimeAction);

const copyAction = Closed(
  { type: Type.Literal("copy"), ...common, text: Type.String({ minLength: 1, maxLength: templateLimits.copyTextMaxLength }) },
  { title: "CopyAction" },
);

/** Copies a text. */
export interface CopyAction extends Type.Static<typeof copyAction> {}
export const CopyActionSchema = Type.Unsafe<CopyAction>(copyAction);

const requestAction = Closed(
  { type: Type.Literal("request"), ...common, kind: oneOf(["location", "contact", "email", "camera", "photo"]) },
  { title: "RequestAction" },
);

/** Asks the user for something of theirs. */
export interface RequestAction extends Type.Static<typeof requestAction> {}
export const RequestActionSchema = Type.Unsafe<RequestAction>(requestAction);

const shareAction = Closed({ type: Type.Literal("share"), ...common }, { title: "ShareAction" });

/** Passes the message on to somebody else. */
export interface ShareAction extends Type.Static<typeof shareAction> {}
export const ShareActionSchema = Type.Unsafe<ShareAction>(shareAction);

const handoffAction = Closed(
  { type: Type.Literal("handoff"), ...common, queue: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.queueMaxLength })) },
  { title: "HandoffAction" },
);

/** Asks for a human. */
export interface HandoffAction extends Type.Static<typeof handoffAction> {}
export const HandoffActionSchema = Type.Unsafe<HandoffAction>(handoffAction);

export type Action = MessageAction | PostbackAction | UriAction | CallAction | DatetimeAction | CopyAction | RequestAction | ShareAction | HandoffAction;

export const ActionSchema = Type.Unsafe<Action>(
  Type.Union(
    [
      MessageActionSchema,
      PostbackActionSchema,
      UriActionSchema,
      CallActionSchema,
      DatetimeActionSchema,
      CopyActionSchema,
      RequestActionSchema,
      ShareActionSchema,
      HandoffActionSchema,
    ],
    { title: "Action" },
  ),
);

const quickReply = Closed({ icon: Type.Optional(UrlSchema), action: ActionSchema }, { title: "QuickReply" });

export interface QuickReply extends Type.Static<typeof quickReply> {}
export const QuickReplySchema = Type.Unsafe<QuickReply>(quickReply);

/** The buttons of a message or of an item. */
export function Buttons(maxItems: number) {
  return Type.Optional(Type.Array(ActionSchema, { maxItems }));
}
