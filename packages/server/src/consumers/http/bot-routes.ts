/** Bots over HTTP: what they offer, their stored templates, and the check of messages before they are sent. */
import {
  BotSchema,
  botFields,
  botSendFields,
  Closed,
  ConversationIdSchema,
  lintTargets,
  StoredTemplateSchema,
  storedTemplateFields,
  TemplateIdSchema,
  templateLimits,
  UserIdSchema,
} from "@suda/protocol";
import Type from "typebox";
import { sendFromBot } from "../../chat/bot-send.ts";
import { accessBot, getBot, putBot } from "../../chat/bots.ts";
import { deleteTemplate, getTemplate, listTemplates, putTemplate } from "../../chat/stored-templates.ts";
import { validateMessages } from "../../chat/validate-messages.ts";
import { replyOf, route, type Route } from "./http-route.ts";

const ofBot = Closed({ bot: UserIdSchema });
const ofTemplate = Closed({ bot: UserIdSchema, template: TemplateIdSchema });
const aboutBot = Closed({ bot: BotSchema });
const wholeTemplate = Closed({ template: StoredTemplateSchema });
const TargetSchema = Type.Union(lintTargets.map((target) => Type.Literal(target)));

export const botRoutes: readonly Route[] = [
  route({
    method: "PUT",
    path: "/v1/bots/:bot",
    name: "putBot",
    summary: "Changes a bot's profile, menu and slash commands; absent fields stay, null removes. With an API key it makes the user a bot.",
    caller: "any",
    params: ofBot,
    body: Closed(botFields),
    reply: aboutBot,
    run: async ({ context, actor, params, body }) => ({ bot: await putBot(context, actor, params.bot, body) }),
  }),
  route({
    method: "GET",
    path: "/v1/bots/:bot",
    name: "getBot",
    summary: "A bot's profile, menu and slash commands",
    caller: "any",
    params: ofBot,
    reply: aboutBot,
    run: async ({ context, actor, params }) => ({ bot: await getBot(context, actor, params.bot) }),
  }),
  route({
    method: "POST",
    path: "/v1/bots/:bot/messages",
    name: "sendFromBot",
    summary: "Sends 1–5 messages of the bot together or none of them, or what a stored template makes. Idempotent by `clientId`.",
    caller: "any",
    params: ofBot,
    body: Closed({ conversation: ConversationIdSchema, ...botSendFields }),
    reply: replyOf("bot.send"),
    run: async ({ context, actor, params, body }) => {
      await accessBot(context, actor, params.bot);
      return (await sendFromBot(context, { ...actor, user: params.bot, isBot: true }, body)).committed;
    },
  }),
  route({
    method: "GET",
    path: "/v1/bots/:bot/templates",
    name: "listTemplates",
    summary: "The bot's stored templates and their versions, by id",
    caller: "any",
    params: ofBot,
    reply: Closed({ templates: Type.Array(Closed({ id: TemplateIdSchema, versions: Type.Array(storedTemplateFields.version) })) }),
    run: async ({ context, actor, params }) => ({ templates: await listTemplates(context, actor, params.bot) }),
  }),
  route({
    method: "PUT",
    path: "/v1/bots/:bot/templates/:template",
    name: "putTemplate",
    summary: "Stores a new version of a template. The same version with the same content again changes nothing.",
    caller: "any",
    params: ofTemplate,
    body: Closed(storedTemplateFields),
    reply: wholeTemplate,
    run: async ({ context, actor, params, body }) => ({ template: await putTemplate(context, actor, params.bot, { id: params.template, ...body }) }),
  }),
  route({
    method: "GET",
    path: "/v1/bots/:bot/templates/:template",
    name: "getTemplate",
    summary: "A template in its newest version, or in `version`",
    caller: "any",
    params: ofTemplate,
    query: Closed({ version: Type.Optional(storedTemplateFields.version) }),
    reply: wholeTemplate,
    run: async ({ context, actor, params, query }) => ({ template: await getTemplate(context, actor, params.bot, params.template, query.version) }),
  }),
  route({
    method: "DELETE",
    path: "/v1/bots/:bot/templates/:template",
    name: "deleteTemplate",
    summary: "Deletes a template with all its versions",
    caller: "any",
    params: ofTemplate,
    reply: Closed({}),
    run: async ({ context, actor, params }) => {
      await deleteTemplate(context, actor, params.bot, params.template);
      return {};
    },
  }),
  route({
    method: "POST",
    path: "/v1/bots/templates/validate",
    name: "validateMessages",
    summary: "What a send would say to 1–5 messages, and what other platforms would not show. Nothing is sent or stored.",
    caller: "any",
    body: Closed({
      messages: Type.Array(Type.Unsafe<object>({ type: "object", description: "A message" }), { minItems: 1, maxItems: templateLimits.messagesPerSendMax }),
      targets: Type.Optional(Type.Array(TargetSchema, { maxItems: lintTargets.length })),
    }),
    reply: Closed({
      valid: Type.Boolean(),
      findings: Type.Array(
        Closed({
          level: Type.Union([Type.Literal("error"), Type.Literal("warning")]),
          target: Type.Optional(TargetSchema),
          path: Type.String(),
          message: Type.String(),
        }),
      ),
    }),
    run: async ({ context, actor, body }) => {
      const findings = await validateMessages(context, actor, { messages: body.messages, targets: body.targets ?? [] });
      return { valid: findings.every(({ level }) => level === "warning"), findings };
    },
  }),
];
