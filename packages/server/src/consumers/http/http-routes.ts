/**
 * The HTTP API, one row per route: path, schemas and the function of the domain. From this table follow the
 * router, the validation and /openapi.json, so that none of them can say something else.
 *
 * What the bodies and replies are made of are the fields of the WebSocket commands: same names, same limits.
 */
import {
  Closed,
  ClientIdSchema,
  ConversationIdSchema,
  ConversationSchema,
  commands,
  createFields,
  profileFields,
  RoleSchema,
  SudaError,
  updateFields,
  UserIdSchema,
  UserSchema,
  type UserId,
} from "@suda/protocol";
import Type from "typebox";
import { systemUser, type Actor, type ChatContext } from "../../chat/context.ts";
import { createGroup } from "../../chat/create-group.ts";
import { getConversation, listConversations } from "../../chat/list-conversations.ts";
import { addMembers, listMembers, removeMember, setRole } from "../../chat/members.ts";
import { openDirect } from "../../chat/open-direct.ts";
import { updateConversation } from "../../chat/update-conversation.ts";
import { getUser, updateUser } from "../../chat/users.ts";
import { botRoutes } from "./bot-routes.ts";
import { customKindRoutes } from "./custom-kind-routes.ts";
import { controlRoutes } from "./control-routes.ts";
import { hookRoutes } from "./hook-routes.ts";
import { inConversation, replyOf, route, without, type Route } from "./http-route.ts";
import { messageRoutes } from "./message-routes.ts";
import { ownSideRoutes } from "./own-side-routes.ts";
import { streamRoutes } from "./stream-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";

const memberOfConversation = Closed({ conversation: ConversationIdSchema, user: UserIdSchema });

const newConversation = Closed({
  kind: Type.Optional(Type.Union([Type.Literal("group"), Type.Literal("direct")], { default: "group" })),
  id: Type.Optional(ConversationIdSchema),
  clientId: Type.Optional(ClientIdSchema),
  ...createFields,
});

export const routes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/users/:user",
    name: "getUser",
    summary: "A user's profile",
    caller: "any",
    params: Closed({ user: UserIdSchema }),
    reply: Closed({ user: UserSchema }),
    run: async ({ context, params }) => ({ user: await getUser(context, params.user) }),
  }),
  route({
    method: "PUT",
    path: "/v1/users/:user",
    name: "putUser",
    summary: "Creates a user or changes a profile; absent fields stay, null removes. `bot` only with an API key.",
    caller: "any",
    params: Closed({ user: UserIdSchema }),
    body: Closed({ ...profileFields, bot: Type.Optional(Type.Literal(true)) }),
    reply: Closed({ user: UserSchema }),
    run: async ({ context, actor, params, body }) => {
      if (body.bot !== undefined && !actor.isBackend) throw new SudaError("auth.forbidden", "Only the host's backend makes a user a bot.");
      return { user: await updateUser(context, actor, params.user, body) };
    },
  }),
  route({
    method: "GET",
    path: "/v1/conversations",
    name: "listConversations",
    summary: "The user's conversations by last activity, newest first",
    caller: "user",
    query: Closed(commands["conversation.list"].fields),
    reply: replyOf("conversation.list"),
    run: async ({ context, actor, query }) => {
      const { change: _change, ...page } = await listConversations(context, actor, query);
      return page;
    },
  }),
  route({
    method: "POST",
    path: "/v1/conversations",
    name: "createConversation",
    summary: "A new group, or the direct conversation of two users (`kind: direct`, two `members`). Idempotent by `id` (API key) or `clientId`.",
    caller: "any",
    body: newConversation,
    reply: Closed({ conversation: ConversationSchema }),
    run: async ({ context, actor, body }) => ({ conversation: await createConversation(context, actor, body) }),
  }),
  route({
    method: "GET",
    path: "/v1/conversations/:conversation",
    name: "getConversation",
    summary: "One conversation",
    caller: "any",
    params: inConversation,
    reply: replyOf("conversation.get"),
    run: ({ context, actor, params }) => getConversation(context, actor, params.conversation),
  }),
  route({
    method: "PATCH",
    path: "/v1/conversations/:conversation",
    name: "updateConversation",
    summary: "Changes a group's title, avatar, data and settings, or a direct conversation's `retentionMs`; null removes",
    caller: "any",
    params: inConversation,
    body: Closed(updateFields),
    reply: replyOf("conversation.update"),
    run: ({ context, actor, params, body }) => updateConversation(context, actor, { ...params, ...body }),
  }),
  route({
    method: "GET",
    path: "/v1/conversations/:conversation/members",
    name: "listMembers",
    summary: "The members, by user id",
    caller: "any",
    params: inConversation,
    query: Closed(without(commands["member.list"].fields, "conversation")),
    reply: replyOf("member.list"),
    run: ({ context, actor, params, query }) => listMembers(context, actor, { ...params, ...query }),
  }),
  route({
    method: "POST",
    path: "/v1/conversations/:conversation/members",
    name: "addMembers",
    summary: "Adds users to a group; those who are members already are passed over",
    caller: "any",
    params: inConversation,
    body: Closed(without(commands["member.add"].fields, "conversation")),
    reply: replyOf("member.add"),
    run: ({ context, actor, params, body }) => addMembers(context, actor, params.conversation, body.users),
  }),
  route({
    method: "PATCH",
    path: "/v1/conversations/:conversation/members/:user",
    name: "updateMember",
    summary: "Gives a member a role",
    caller: "any",
    params: memberOfConversation,
    body: Closed({ role: RoleSchema }),
    reply: replyOf("member.update"),
    run: ({ context, actor, params, body }) => setRole(context, actor, params.conversation, params.user, body.role),
  }),
  route({
    method: "DELETE",
    path: "/v1/conversations/:conversation/members/:user",
    name: "removeMember",
    summary: "Removes a member, or leaves when it is oneself",
    caller: "any",
    params: memberOfConversation,
    reply: replyOf("member.remove"),
    run: ({ context, actor, params }) => removeMember(context, actor, params.conversation, params.user),
  }),
  ...messageRoutes,
  ...ownSideRoutes,
  ...streamRoutes,
  ...botRoutes,
  ...customKindRoutes,
  ...controlRoutes,
  ...webhookRoutes,
  ...hookRoutes,
];

async function createConversation(context: ChatContext, actor: Actor, { kind = "group", id, ...group }: Type.Static<typeof newConversation>): Promise<object> {
  if (kind === "group") {
    if (id !== undefined && !actor.isBackend) throw new SudaError("auth.forbidden", "Only the host's backend chooses a conversation's id; use clientId.");
    return createGroup(context, actor, { ...group, ...(id === undefined ? {} : { id }) });
  }
  const unknown = id !== undefined ? "id" : Object.keys(group).find((field) => field !== "members");
  if (unknown !== undefined)
    throw new SudaError("frame.invalid", `/${unknown} is not a field of a direct conversation: it has its two members and nothing else.`, {
      path: `/${unknown}`,
    });
  const [one, other] = pairOf(actor, group.members);
  return openDirect(context, { ...actor, user: one }, other);
}

/** A user names the other one; the backend names both. */
function pairOf(actor: Actor, members: readonly UserId[]): readonly [UserId, UserId] {
  const named = actor.user === systemUser ? members : [actor.user, ...members.filter((user) => user !== actor.user)];
  const [one, other = one] = named;
  if (one === undefined || other === undefined || named.length > 2 || members.length === 0)
    throw new SudaError("frame.invalid", "/members names the two users of a direct conversation.", { path: "/members" });
  return [one, other];
}
