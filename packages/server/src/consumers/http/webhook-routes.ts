/** Webhooks of bots over HTTP: registration, secrets, and what could not be delivered. For the backend, and for the bot itself. */
import { Closed, CountSchema, UserIdSchema, webhookFields, webhookLimits, WebhookSchema } from "@suda/protocol";
import Type from "typebox";
import { DeadLetterIdSchema, lettersReply, pageOfLetters, ReplayedAllSchema, ReplayedSchema } from "./dead-letter-fields.ts";
import { route, type Route } from "./http-route.ts";

const ofBot = Closed({ bot: UserIdSchema });
const ofLetter = Closed({ bot: UserIdSchema, letter: DeadLetterIdSchema });
const aboutWebhook = Closed({ webhook: WebhookSchema });
const secret = Type.String({ description: "`whsec_…`; shown here and never again" });

export const webhookRoutes: readonly Route[] = [
  route({
    method: "PUT",
    path: "/v1/bots/:bot/webhook",
    name: "putWebhook",
    summary: "Registers the bot's webhook, or changes its URL and events and enables it again. The reply to the first one has the secret.",
    caller: "any",
    params: ofBot,
    body: Closed(webhookFields),
    reply: Closed({ webhook: WebhookSchema, secret: Type.Optional(secret) }),
    run: ({ context, actor, params, body }) => context.webhooks.put(actor, params.bot, body),
  }),
  route({
    method: "GET",
    path: "/v1/bots/:bot/webhook",
    name: "getWebhook",
    summary: "The bot's webhook and how its deliveries are going",
    caller: "any",
    params: ofBot,
    reply: aboutWebhook,
    run: async ({ context, actor, params }) => ({ webhook: await context.webhooks.get(actor, params.bot) }),
  }),
  route({
    method: "DELETE",
    path: "/v1/bots/:bot/webhook",
    name: "deleteWebhook",
    summary: "Deletes the bot's webhook with its secrets. Read marks and dead letters stay.",
    caller: "any",
    params: ofBot,
    reply: Closed({}),
    run: async ({ context, actor, params }) => {
      await context.webhooks.delete(actor, params.bot);
      return {};
    },
  }),
  route({
    method: "POST",
    path: "/v1/bots/:bot/webhook/secret",
    name: "rotateWebhookSecret",
    summary: "A new secret. The ones before it sign beside it for `overlapMs`, a day unless told otherwise.",
    caller: "any",
    params: ofBot,
    body: Closed({ overlapMs: Type.Optional(Type.Integer({ minimum: 0, maximum: webhookLimits.overlapMaxMs, default: webhookLimits.overlapDefaultMs })) }),
    reply: Closed({ webhook: WebhookSchema, secret }),
    run: ({ context, actor, params, body }) => context.webhooks.rotateSecret(actor, params.bot, body.overlapMs ?? webhookLimits.overlapDefaultMs),
  }),
  route({
    method: "GET",
    path: "/v1/bots/:bot/dead-letters",
    name: "listDeadLetters",
    summary: "Events that were given up, oldest first, after the id `after`",
    caller: "any",
    params: ofBot,
    query: pageOfLetters,
    reply: lettersReply,
    run: async ({ context, actor, params, query: { after, limit = 50 } }) => ({
      deadLetters: await context.webhooks.listDeadLetters(actor, params.bot, { limit, ...(after === undefined ? {} : { after }) }),
    }),
  }),
  route({
    method: "POST",
    path: "/v1/bots/:bot/dead-letters/:letter/replay",
    name: "replayDeadLetter",
    summary: "Delivers a dead letter once more, now, with the id it always had. It is deleted unless that fails.",
    caller: "any",
    params: ofLetter,
    reply: ReplayedSchema,
    run: ({ context, actor, params }) => context.webhooks.replayDeadLetter(actor, params.bot, params.letter),
  }),
  route({
    method: "POST",
    path: "/v1/bots/:bot/dead-letters/replay",
    name: "replayDeadLetters",
    summary: "Delivers dead letters, oldest first, until one fails, a hundred are done or ten seconds have passed",
    caller: "any",
    params: ofBot,
    reply: ReplayedAllSchema,
    run: ({ context, actor, params }) => context.webhooks.replayDeadLetters(actor, params.bot),
  }),
  route({
    method: "DELETE",
    path: "/v1/bots/:bot/dead-letters/:letter",
    name: "deleteDeadLetter",
    summary: "Deletes a dead letter",
    caller: "any",
    params: ofLetter,
    reply: Closed({}),
    run: async ({ context, actor, params }) => {
      await context.webhooks.deleteDeadLetter(actor, params.bot, params.letter);
      return {};
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/bots/:bot/dead-letters",
    name: "deleteDeadLetters",
    summary: "Deletes all dead letters of the bot",
    caller: "any",
    params: ofBot,
    reply: Closed({ deleted: CountSchema }),
    run: async ({ context, actor, params }) => ({ deleted: await context.webhooks.deleteDeadLetters(actor, params.bot) }),
  }),
];
