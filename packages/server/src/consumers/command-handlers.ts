/**
 * Which function of the domain carries out which command: the one dispatch table of the chat consumer. A
 * command without a row does not compile. `message.send`, `bot.send`, `hello`, `token.refresh` and `presence.…` are the consumer's own, because they
 * concern the connection's order and identity.
 */
import type { CommandOf, CommandType, ReplyOf } from "@suda/protocol";
import { handOff, returnControl, takeControl } from "../chat/control.ts";
import type { Actor, ChatContext } from "../chat/context.ts";
import { createGroup } from "../chat/create-group.ts";
import { getHistory } from "../chat/history.ts";
import { answerTap, tap } from "../chat/interactions.ts";
import { getConversation, listConversations } from "../chat/list-conversations.ts";
import { addMembers, leave, listMembers, removeMember, setRole } from "../chat/members.ts";
import { deleteMessage, editMessage, pin, react } from "../chat/message-changes.ts";
import { openDirect } from "../chat/open-direct.ts";
import { block, hide, hideMessage, markUnread, mute, show, unblock, unmute } from "../chat/own-settings.ts";
import { markDelivered, markRead } from "../chat/receipts.ts";
import { abortStream, appendToStream, finishStream, getStreams, startStream } from "../chat/streams/stream-commands.ts";
import { tellThinking } from "../chat/streams/thinking.ts";
import { tellTyping } from "../chat/typing.ts";
import { updateConversation } from "../chat/update-conversation.ts";
import { getUser, updateUser } from "../chat/users.ts";

export type HandledType = Exclude<CommandType, "hello" | "token.refresh" | "message.send" | "bot.send" | "presence.watch" | "presence.unwatch">;

type Handler<T extends CommandType> = (context: ChatContext, actor: Actor, command: CommandOf<T>) => Promise<ReplyOf<T>>;

export const commandHandlers: { readonly [T in HandledType]: Handler<T> } = {
  "user.get": async (context, _actor, { user }) => ({ user: await getUser(context, user) }),
  "user.update": async (context, actor, { type: _type, ref: _ref, ...patch }) => ({ user: await updateUser(context, actor, actor.user, patch) }),
  "conversation.open": async (context, actor, command) => ({ conversation: await openDirect(context, actor, command.with) }),
  "conversation.create": async (context, actor, { type: _type, ref: _ref, ...group }) => ({ conversation: await createGroup(context, actor, group) }),
  "conversation.get": (context, actor, { conversation }) => getConversation(context, actor, conversation),
  "conversation.list": async (context, actor, command) => {
    const { change: _change, ...page } = await listConversations(context, actor, command);
    return page;
  },
  "conversation.update": updateConversation,
  "conversation.mute": (context, actor, { conversation, until }) => mute(context, actor, conversation, until),
  "conversation.unmute": (context, actor, { conversation }) => unmute(context, actor, conversation),
  "conversation.hide": (context, actor, { conversation }) => hide(context, actor, conversation),
  "conversation.show": (context, actor, { conversation }) => show(context, actor, conversation),
  "user.block": (context, actor, { user }) => block(context, actor, user),
  "user.unblock": (context, actor, { user }) => unblock(context, actor, user),
  "member.list": listMembers,
  "member.add": (context, actor, { conversation, users }) => addMembers(context, actor, conversation, users),
  "member.remove": (context, actor, { conversation, user }) => removeMember(context, actor, conversation, user),
  "member.update": (context, actor, { conversation, user, role }) => setRole(context, actor, conversation, user, role),
  "member.leave": (context, actor, { conversation }) => leave(context, actor, conversation),
  "message.edit": editMessage,
  "message.delete": deleteMessage,
  "message.hide": hideMessage,
  "reaction.add": (context, actor, command) => react(context, actor, command, "reaction.added"),
  "reaction.remove": (context, actor, command) => react(context, actor, command, "reaction.removed"),
  "pin.add": (context, actor, command) => pin(context, actor, command, "pin.added"),
  "pin.remove": (context, actor, command) => pin(context, actor, command, "pin.removed"),
  "interaction.tap": tap,
  "interaction.answer": answerTap,
  "history.get": getHistory,
  "control.handoff": handOff,
  "control.take": takeControl,
  "control.return": returnControl,
  "typing.start": (context, actor, { conversation }) => tellTyping(context, actor, conversation, "typing.started"),
  "typing.stop": (context, actor, { conversation }) => tellTyping(context, actor, conversation, "typing.stopped"),
  "thinking.start": (context, actor, { conversation }) => tellThinking(context, actor, conversation, "thinking.started"),
  "thinking.stop": (context, actor, { conversation }) => tellThinking(context, actor, conversation, "thinking.stopped"),
  "stream.start": startStream,
  "stream.append": appendToStream,
  "stream.finish": (context, actor, { type: _type, ref: _ref, ...command }) => finishStream(context, actor, command),
  "stream.abort": abortStream,
  "stream.get": (context, actor, { conversation }) => getStreams(context, actor, conversation),
  "receipt.read": (context, actor, { conversation, seq }) => markRead(context, actor, conversation, seq),
  "receipt.delivered": (context, actor, { conversation, seq }) => markDelivered(context, actor, conversation, seq),
  "receipt.unread": (context, actor, { conversation }) => markUnread(context, actor, conversation),
};
