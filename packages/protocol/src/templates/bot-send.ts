/**
 * What a bot sends at once: one to five messages, or a stored template that makes as many. They are committed together or
 * not at all, and each of several says which one it is. Rules T35–T38.
 */
import Type from "typebox";
import { ControlEpochSchema } from "../control.ts";
import type { ClientId } from "../ids.ts";
import { templateLimits } from "../limits.ts";
import { Closed } from "../scalars.ts";
import { MessageBodySchema } from "./envelope.ts";
import { variableNamePattern } from "./placeholders.ts";
import { storedTemplateFields, TemplateIdSchema } from "./stored-template.ts";

/** Shorter than other clientIds: what is derived from it is one too. */
export const BotSendIdSchema = Type.Unsafe<ClientId>({
  type: "string",
  pattern: `^[\\x21-\\x7e]{1,${templateLimits.botSendIdMaxLength}}$`,
  description: "The bot's own id for the whole send; makes a retry harmless",
});

const templateChoice = Closed(
  {
    id: TemplateIdSchema,
    version: Type.Optional(storedTemplateFields.version),
    locale: Type.Optional(Type.String({ minLength: 1, maxLength: templateLimits.localeMaxLength, description: "As the device names it: `ko`, `en-GB`…" })),
    variables: Type.Optional(
      Type.Record(Type.String({ pattern: variableNamePattern }), Type.Union([Type.String({ maxLength: templateLimits.fieldTextMaxLength }), Type.Number()]), {
        maxProperties: templateLimits.variablesMax,
        additionalProperties: false,
        description: "values by the variables' names",
      }),
    ),
  },
  { title: "TemplateChoice" },
);

/** Which stored template, in which language, with which values. Without `version` the newest one. */
export interface TemplateChoice extends Type.Static<typeof templateChoice> {}
export const TemplateChoiceSchema = Type.Unsafe<TemplateChoice>(templateChoice);

/** Of `bot.send` and of the route that sends for a bot. Either `messages` or `template`. */
export const botSendFields = {
  clientId: BotSendIdSchema,
  messages: Type.Optional(Type.Array(MessageBodySchema, { minItems: 1, maxItems: templateLimits.messagesPerSendMax })),
  template: Type.Optional(TemplateChoiceSchema),
  control: Type.Optional(ControlEpochSchema),
} as const;

const part = Closed(
  {
    index: Type.Integer({ minimum: 1, maximum: templateLimits.messagesPerSendMax }),
    total: Type.Integer({ minimum: 2, maximum: templateLimits.messagesPerSendMax }),
  },
  { title: "Part" },
);

/** Which one of the messages that were sent at once. Only the server writes it. */
export interface Part extends Type.Static<typeof part> {}
export const PartSchema = Type.Unsafe<Part>(part);

/**
 * The clientId of one message of a send: the send's own for the first, and for those after it with `#` and the index behind.
 * @param clientId at most 62 characters, so that what is returned is a clientId too
 * @param index 1…5
 */
export function partClientId(clientId: ClientId, index: number): ClientId {
  return index === 1 ? clientId : (`${clientId}#${index}` as ClientId);
}
