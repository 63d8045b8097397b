/**
 * Coming back: the client says how far it has read of each conversation, the server says what is missing —
 * exactly, or explicitly that it cannot be exact (`reset`, `truncated`). Promise 7: nothing is kept per
 * connection on the server, so a resume never expires and works on any node.
 */
import Type from "typebox";
import { LogEventSchema } from "./events.ts";
import { conversationIdPattern } from "./ids.ts";
import { limits } from "./limits.ts";
import { Closed, ConversationIdSchema, CountSchema, SeqSchema } from "./scalars.ts";

/** How far a client has a conversation: everything up to and including `seq` of the numbering `epoch`. */
export const CursorSchema = Closed({ seq: SeqSchema, epoch: Type.String({ minLength: 1, maxLength: 32 }) });

export const ResumeSchema = Closed({
  change: CountSchema,
  cursors: Type.Record(Type.String({ pattern: conversationIdPattern }), CursorSchema, { maxProperties: limits.cursorsMax, additionalProperties: false }),
});

/**
 * What happened to one conversation since the cursor. Those that stand where the cursor stands are not mentioned.
 * `events`: the missing ones follow, from the cursor on without a hole; `more` says that history has the rest.
 * `reset`: another epoch, or a cursor beyond the head: forget what is kept of it and read it again.
 * `truncated`: the log begins at `from`, which is beyond the cursor; the events follow from there.
 */
export const ResumedSchema = Closed({
  conversation: ConversationIdSchema,
  outcome: Type.Union([Type.Literal("events"), Type.Literal("reset"), Type.Literal("truncated")]),
  epoch: Type.String({ minLength: 1, maxLength: 32 }),
  head: SeqSchema,
  from: Type.Optional(SeqSchema),
  events: Type.Array(LogEventSchema),
  more: Type.Boolean(),
});

export type Cursor = Type.Static<typeof CursorSchema>;
export type Resume = Type.Static<typeof ResumeSchema>;
export type Resumed = Type.Static<typeof ResumedSchema>;
