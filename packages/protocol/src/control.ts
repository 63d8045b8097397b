/**
 * Who answers in a conversation with a bot: the bot, a human who took over, or nobody while a human is waited for. What a
 * bot sends is judged by it in the moment of storing, so that the epoch works as a fencing token. Rules T25…T34.
 */
import Type from "typebox";
import { templateLimits } from "./limits.ts";
import { Closed, CountSchema, SeqSchema, TimeSchema, UserIdSchema } from "./scalars.ts";

export const HolderSchema = Type.Union([Type.Literal("bot"), Type.Literal("human"), Type.Literal("none")], {
  description: "Who is in charge; `none` waits for a human",
});
export const QueueSchema = Type.String({
  minLength: 1,
  maxLength: templateLimits.queueMaxLength,
  description: "Which humans are asked; the product's own name",
});
export const LeaseSchema = Type.Integer({ minimum: templateLimits.leaseMinMs, maximum: templateLimits.leaseMaxMs });
/** Counts the changes of control; named by a sender, what is sent is stored only while it is the current one. */
export const ControlEpochSchema = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: "Store it only if this is the epoch of control",
});

/** What is the same in the record of a conversation and in the event that made it so. */
export const controlFields = {
  holder: HolderSchema,
  epoch: CountSchema,
  agent: Type.Optional(UserIdSchema),
  queue: Type.Optional(QueueSchema),
  leaseMs: Type.Optional(LeaseSchema),
  leaseUntil: Type.Optional(TimeSchema),
} as const;

/** `seq` and `at` are of the event that made it so. */
export const ControlSchema = Closed({ ...controlFields, seq: SeqSchema, at: TimeSchema }, { title: "Control" });

/** Of `control.handoff` and `control.take`, and of their routes. */
export const handoffFields = { queue: Type.Optional(QueueSchema) } as const;
export const takeFields = { leaseMs: Type.Optional(LeaseSchema) } as const;

/** What they, and `control.return`, are answered: who is in charge now, unless that never changed. */
export const ControlledSchema = Closed({ seq: SeqSchema, at: TimeSchema, control: Type.Optional(ControlSchema) });

export type Control = Type.Static<typeof ControlSchema>;
export type Holder = Type.Static<typeof HolderSchema>;
