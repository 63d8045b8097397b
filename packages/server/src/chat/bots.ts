/**
 * Bots: users that a program runs (`bot: true`), with what they always offer beside their profile, a menu and slash
 * commands. Name and avatar are the user's; the rest is a document. Rules T9 and T13.
 */
import { checkMenu, checkSlashCommands, SudaError, type Bot, type Menu, type MessageFault, type SlashCommand, type UserId } from "@suda/protocol";
import { documentMaxBytes } from "../store/documents.ts";
import type { DocumentRecord } from "../store/document-store.ts";
import type { UserRecord } from "../store/store.ts";
import type { Actor, ChatContext } from "./context.ts";
import { joinedConversations } from "./list-conversations.ts";
import { directConversationId } from "./open-direct.ts";

export interface BotPatch {
  readonly name?: string | null;
  readonly avatar?: string | null;
  readonly menu?: Menu | null;
  readonly commands?: readonly SlashCommand[] | null;
}

interface BotOffer {
  readonly menu?: Menu;
  readonly commands?: SlashCommand[];
}

/** How often a change is tried again when others change the same document at the same moment. */
export const documentAttempts = 10;

/**
 * A bot that the actor may change: the backend any, a bot itself.
 * @throws SudaError auth.forbidden, user.not_found
 */
export async function accessBot({ store }: ChatContext, actor: Actor, id: UserId): Promise<UserRecord> {
  if (!actor.isBackend && actor.user !== id) throw new SudaError("auth.forbidden", "Only the bot itself, or the host's backend, may do this.");
  const [record] = await store.users.getMany([id]);
  if (record?.bot === true) return record;
  if (!actor.isBackend) throw new SudaError("auth.forbidden", "You are no bot; the host's backend makes a user one.");
  throw new SudaError("user.not_found", "There is no bot with this id; make it one with PUT /v1/bots/{bot}.");
}

/** Changes a bot; by the backend also makes one of the user, who is created when it does not exist. @throws SudaError auth.forbidden, frame.invalid */
export async function putBot(context: ChatContext, actor: Actor, id: UserId, { name, avatar, menu, commands }: BotPatch): Promise<Bot> {
  if (!actor.isBackend) await accessBot(context, actor, id);
  if (menu !== undefined && menu !== null) refuse("/menu", checkMenu(menu));
  if (commands !== undefined && commands !== null) refuse("/commands", checkSlashCommands(commands));
  const { store, clock } = context;
  const offer = await changeOffer(context, id, { menu, commands });
  const profile = { ...(name === undefined ? {} : { name }), ...(avatar === undefined ? {} : { avatar }), bot: true as const };
  return viewBot(await store.users.update(id, profile, clock.now()), offer);
}

/** To the backend, to the bot itself, and to whoever shares a conversation with it. @throws SudaError user.not_found */
export async function getBot(context: ChatContext, actor: Actor, id: UserId): Promise<Bot> {
  const { store } = context;
  const [record] = await store.users.getMany([id]);
  if (record?.bot !== true || !(await mayKnow(context, actor, id))) {
    throw new SudaError("user.not_found", "There is no such bot, or you share no conversation with it.");
  }
  return viewBot(record, offerOf(await store.documents.get("bots", id)));
}

/** Looks at the actor's conversations: those of a bot may be many more. */
async function mayKnow(context: ChatContext, actor: Actor, bot: UserId): Promise<boolean> {
  if (actor.isBackend || actor.user === bot) return true;
  const { conversations } = context.store;
  if ((await conversations.member(directConversationId(actor.user, bot), actor.user)) !== undefined) return true;
  for (const id of (await joinedConversations(context, actor)).ids) if ((await conversations.member(id, bot)) !== undefined) return true;
  return false;
}

async function changeOffer(
  { store }: ChatContext,
  id: UserId,
  patch: { readonly menu: Menu | null | undefined; readonly commands: readonly SlashCommand[] | null | undefined },
): Promise<BotOffer> {
  for (let attempt = 0; attempt < documentAttempts; attempt++) {
    const document = await store.documents.get("bots", id);
    const before = offerOf(document);
    if (patch.menu === undefined && patch.commands === undefined) return before;
    const menu = patch.menu === undefined ? before.menu : (patch.menu ?? undefined);
    const commands = patch.commands === undefined ? before.commands : (patch.commands ?? undefined);
    const offer = { ...(menu === undefined ? {} : { menu }), ...(commands === undefined ? {} : { commands: [...commands] }) };
    const value = offer as DocumentRecord["value"];
    if (Buffer.byteLength(JSON.stringify(value)) > documentMaxBytes)
      throw new SudaError("frame.invalid", `/commands and the menu are together over ${documentMaxBytes} bytes as JSON; shorten the descriptions.`, {
        path: "/commands",
      });
    const { outcome } = await store.documents.put("bots", id, value, { ifVersion: document?.version ?? 0 });
    if (outcome === "stored") return offer;
  }
  throw new SudaError("server.busy", "This bot changes too fast; try again.", { retryAfterMs: 200 });
}

function offerOf(document: DocumentRecord | undefined): BotOffer {
  return document?.value ?? {};
}

function viewBot({ id, name, avatar }: UserRecord, offer: BotOffer): Bot {
  return { id, ...(name === undefined ? {} : { name }), ...(avatar === undefined ? {} : { avatar }), ...offer };
}

/** @param at where in the request the checked value stands */
function refuse(at: string, fault: MessageFault | undefined): void {
  if (fault !== undefined) throw new SudaError("frame.invalid", at + fault.message, { path: at + fault.path });
}
