/** What begins with a slash: its reading and its doing. Both faces use it. */
import { didYouMean } from "../did-you-mean.ts";
import { commandTable } from "./command-table.ts";
import type { ConversationView } from "./conversation-view.ts";
import { deleteMessage, editMessage, pin, react, readChoice, reply, type Choice } from "./message-actions.ts";
import { commandNames, type CommandName } from "./messages.ts";
import { press } from "./press.ts";
import { ChatRefusal } from "./refusal.ts";
import { historyPage, type ChatSession } from "./session.ts";

export interface CommandHost {
  readonly session: ChatSession;
  /** The server's address, for people. */
  readonly server: string;
  quit(): void;
  /** Shows `count` older events. */
  showHistory(view: ConversationView, count: number): Promise<void>;
}

/** Reads one input: a command, or a text for the open conversation (`//` at its beginning stands for one slash). */
export async function performInput(host: CommandHost, input: string): Promise<void> {
  const { session } = host;
  const isText = !input.startsWith("/") || input.startsWith("//");
  if (session.asking.question !== undefined && isText) return session.asking.answer(input.startsWith("//") ? input.slice(1) : input);
  if (input.trim() === "") return;
  if (isText) {
    session.send(currentOf(session), input.startsWith("//") ? input.slice(1) : input);
    return;
  }
  const [, word = "", rest = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(input) ?? [];
  const name = commandNames.find((one) => one === word.toLowerCase() || (one === "new" && word.toLowerCase() === "group"));
  if (/^\d+$/.test(word)) return handlers.press(host, `${word} ${rest}`);
  if (name === undefined && (await isWithBot(session))) {
    session.send(currentOf(session), input);
    return;
  }
  if (name === undefined) {
    const guess = didYouMean(word, commandNames);
    throw new ChatRefusal(session.messages.unknownCommand(`/${word}`, guess === undefined ? undefined : `/${guess}`));
  }
  await handlers[name](host, rest.trim());
}

const handlers: Readonly<Record<CommandName, (host: CommandHost, rest: string) => Promise<void> | void>> = {
  async join({ session }, rest) {
    if (rest === "") throw usage(session, "join");
    const view = await session.find(unquoted(rest));
    if (view === undefined) throw new ChatRefusal(session.messages.noSuchConversation(rest));
    session.show(view);
  },
  async dm({ session }, rest) {
    const [, user, text] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
    if (user === undefined) throw usage(session, "dm");
    const view = await session.openDirect(session.userNamed(user));
    if (text !== undefined && text !== "") session.send(view, text);
  },
  async new({ session }, rest) {
    const [title, ...users] = words(rest);
    if (title === undefined || users.length === 0) throw usage(session, "new");
    await session.createGroup(
      title,
      users.map((user) => session.userNamed(user)),
    );
  },
  async add({ session }, rest) {
    const users = words(rest);
    if (users.length === 0) throw usage(session, "add");
    const { room } = groupOf(session);
    await session.client.request("member.add", { conversation: room.id, users: users.map((user) => session.userNamed(user)) });
  },
  async leave({ session }) {
    await session.client.request("member.leave", { conversation: groupOf(session).room.id });
  },
  async who({ session }) {
    const { messages, people, me } = session;
    const { members, more } = await session.members(currentOf(session));
    const presence = await session.presenceOfAll(members.map(({ user }) => user));
    const list = members.map(({ user, role }) => {
      const facts = [
        ...(role === "member" ? [] : [messages.roles[role]]),
        ...(people.get(user)?.bot === true ? [messages.bot] : []),
        ...(user === me ? [messages.you] : []),
      ];
      const isOnline = presence.get(user);
      return `${isOnline === undefined ? "" : isOnline ? "● " : "○ "}${people.labelOf(user)}${facts.length === 0 ? "" : ` [${facts.join(", ")}]`}`;
    });
    session.notice(messages.members(list.join(" · "), more));
  },
  list({ session }) {
    const lines = session.conversations.map((view) => {
      const { record, unread: unreadCount } = view.snapshot;
      const count = record?.kind === "group" ? ` (${session.messages.memberCount(record.memberCount)})` : "";
      const unread = unreadCount > 0 ? ` — ${session.messages.unread(unreadCount)}` : "";
      return `${view === session.current ? "▸" : " "} ${session.titleOf(view)}${count}${unread}`;
    });
    session.notice([session.messages.conversations, ...(lines.length === 0 ? [session.messages.noConversation] : lines)].join("\n"));
  },
  async history(host, rest) {
    const count = rest === "" ? historyPage : Number(rest);
    if (!Number.isInteger(count) || count < 1 || count > 200) throw usage(host.session, "history");
    await host.showHistory(currentOf(host.session), count);
  },
  async edit({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    if (rest === "") throw usage(session, "edit");
    await editMessage(choice, rest);
  },
  async delete({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    if (rest !== "") throw usage(session, "delete");
    await deleteMessage(choice);
  },
  async react({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    if (rest === "") throw usage(session, "react");
    await react(choice, rest);
  },
  async reply({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    if (rest === "") throw usage(session, "reply");
    await reply(choice, rest);
  },
  async pin({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    if (rest !== "") throw usage(session, "pin");
    await pin(choice);
  },
  async press({ session }, input) {
    const { choice, rest } = choiceOf(session, input);
    const [, number, given = ""] = /^(\d{1,3})(?:\s+([\s\S]*))?$/.exec(rest) ?? [];
    if (number === undefined) throw usage(session, "press");
    await press(choice, Number(number), given.trim());
  },
  cancel({ session }) {
    if (!session.asking.cancel()) throw new ChatRefusal(session.messages.templates.nothingAsked);
  },
  retry({ session }) {
    const count = session.retry(currentOf(session));
    session.notice(count === 0 ? session.messages.nothingFailed : session.messages.retrying(count));
  },
  discard({ session }) {
    const count = session.discard(currentOf(session));
    session.notice(count === 0 ? session.messages.nothingFailed : session.messages.discarded(count));
  },
  me({ session, server }, rest) {
    const { me, messages } = session;
    if (me === undefined) return;
    if (rest === "") session.notice(messages.profile(me, session.people.get(me)?.name, server));
    else session.send(currentOf(session), `* ${session.people.nameOf(me)} ${rest}`);
  },
  async name({ session }, rest) {
    if (rest === "") throw usage(session, "name");
    await session.rename(unquoted(rest));
    session.notice(session.messages.renamed(unquoted(rest)));
  },
  help({ session }) {
    const { help } = session.messages;
    const width = Math.max(...commandNames.map((name) => commandTable[name].usage.length));
    session.notice([...commandNames.map((name) => `${commandTable[name].usage.padEnd(width)}  ${help[name]}`), help.keys].join("\n"));
  },
  quit: (host) => host.quit(),
};

// ── small readings ────────────────────────────────────────────────────────────────────────────────────

function currentOf(session: ChatSession): ConversationView {
  const view = session.current;
  if (view === undefined) throw new ChatRefusal(session.messages.noConversation);
  return view;
}

function groupOf(session: ChatSession): ConversationView {
  const view = currentOf(session);
  if (view.record?.kind !== "group") throw new ChatRefusal(session.messages.onlyGroups);
  return view;
}

function choiceOf(session: ChatSession, input: string): { readonly choice: Choice; readonly rest: string } {
  const { nth, rest } = readChoice(input);
  return { choice: { session, view: currentOf(session), nth }, rest };
}

/** Its own slash commands are for it: only it knows them. */
async function isWithBot(session: ChatSession): Promise<boolean> {
  const other = session.current?.record?.with;
  if (other === undefined) return false;
  await session.people.learned();
  return session.people.get(other)?.bot === true;
}

function usage(session: ChatSession, name: CommandName): ChatRefusal {
  return new ChatRefusal(session.messages.usage(commandTable[name].usage));
}

/** Words, with quotes around what holds spaces. */
function words(text: string): string[] {
  return Array.from(text.matchAll(/"([^"]*)"|“([^”]*)”|(\S+)/g), ([, straight, curly, word]) => straight ?? curly ?? word ?? "").filter((word) => word !== "");
}

function unquoted(text: string): string {
  return /^"([^"]+)"$/.exec(text)?.[1] ?? text;
}
