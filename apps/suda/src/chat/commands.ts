/** What begins with a slash: the table, its reading, its doing, and completion by Tab. Both faces use it. */
import type { User, UserId } from "@suda/protocol";
import { didYouMean } from "../did-you-mean.ts";
import { commandNames, type CommandName } from "./messages.ts";
import { ChatRefusal, historyPage, type ChatSession, type ConversationView } from "./model.ts";
import { safeLine } from "./text-safety.ts";

export interface CommandHost {
  readonly session: ChatSession;
  /** The server's address, for people. */
  readonly server: string;
  quit(): void;
  /** Shows `count` older events. */
  showHistory(view: ConversationView, count: number): Promise<void>;
}

type Argument = "conversation" | "user" | "none";

/** What follows the command, for its usage line and for completion. */
const commandTable: Readonly<Record<CommandName, { readonly usage: string; readonly completes: Argument }>> = {
  join: { usage: "/join CONVERSATION", completes: "conversation" },
  dm: { usage: "/dm USER [TEXT]", completes: "user" },
  new: { usage: "/new TITLE USER…", completes: "user" },
  add: { usage: "/add USER…", completes: "user" },
  leave: { usage: "/leave", completes: "none" },
  who: { usage: "/who", completes: "none" },
  list: { usage: "/list", completes: "none" },
  history: { usage: "/history [COUNT]", completes: "none" },
  edit: { usage: "/edit TEXT", completes: "none" },
  delete: { usage: "/delete", completes: "none" },
  react: { usage: "/react EMOJI", completes: "none" },
  retry: { usage: "/retry", completes: "none" },
  me: { usage: "/me [TEXT]", completes: "none" },
  name: { usage: "/name NAME", completes: "none" },
  help: { usage: "/help", completes: "none" },
  quit: { usage: "/quit", completes: "none" },
};

/** Reads one input: a command, or a text for the open conversation (`//` at its beginning stands for one slash). */
export async function performInput(host: CommandHost, input: string): Promise<void> {
  const { session } = host;
  if (input.trim() === "") return;
  if (!input.startsWith("/") || input.startsWith("//")) {
    session.send(currentOf(session), input.startsWith("//") ? input.slice(1) : input);
    return;
  }
  const [, word = "", rest = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(input) ?? [];
  const name = commandNames.find((one) => one === word.toLowerCase() || (one === "new" && word.toLowerCase() === "group"));
  if (name === undefined) {
    const guess = didYouMean(word, commandNames);
    throw new ChatRefusal(session.messages.unknownCommand(`/${word}`, guess === undefined ? undefined : `/${guess}`));
  }
  await handlers[name](host, rest.trim());
}

const handlers: Readonly<Record<CommandName, (host: CommandHost, rest: string) => Promise<void> | void>> = {
  async join({ session }, rest) {
    if (rest === "") throw usage(session, "join");
    const view = session.find(unquoted(rest));
    if (view === undefined) throw new ChatRefusal(session.messages.noSuchConversation(rest));
    await session.show(view);
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
    await session.addMembers(
      groupOf(session),
      users.map((user) => session.userNamed(user)),
    );
  },
  async leave({ session }) {
    await session.leave(groupOf(session));
  },
  async who({ session }) {
    const { members, more } = await session.members(currentOf(session));
    const list = members.map(({ user, role }) => {
      const facts = [
        ...(role === "member" ? [] : [session.messages.roles[role]]),
        ...(session.userOf(user)?.bot === true ? [session.messages.bot] : []),
        ...(user === session.me ? [session.messages.you] : []),
      ];
      return `${personLabel(session.userOf(user), user)}${facts.length === 0 ? "" : ` [${facts.join(", ")}]`}`;
    });
    session.notice(session.messages.members(list.join(" · "), more));
  },
  list({ session }) {
    const lines = session.conversations.map((view) => {
      const { record } = view;
      const count = record.kind === "group" ? ` (${session.messages.memberCount(record.memberCount)})` : "";
      const unread = (record.unread ?? 0) > 0 ? ` — ${session.messages.unread(record.unread ?? 0)}` : "";
      return `${view === session.current ? "▸" : " "} ${session.titleOf(view)}${count}${unread}`;
    });
    session.notice([session.messages.conversations, ...(lines.length === 0 ? [session.messages.noConversation] : lines)].join("\n"));
  },
  async history(host, rest) {
    const count = rest === "" ? historyPage : Number(rest);
    if (!Number.isInteger(count) || count < 1 || count > 200) throw usage(host.session, "history");
    await host.showHistory(currentOf(host.session), count);
  },
  async edit({ session }, rest) {
    if (rest === "") throw usage(session, "edit");
    await session.editLast(currentOf(session), rest);
  },
  async delete({ session }) {
    await session.deleteLast(currentOf(session));
  },
  async react({ session }, rest) {
    if (rest === "") throw usage(session, "react");
    await session.react(currentOf(session), rest);
  },
  retry({ session }) {
    const count = session.retry(currentOf(session));
    session.notice(count === 0 ? session.messages.nothingToRetry : session.messages.retrying(count));
  },
  me({ session, server }, rest) {
    const { me, messages } = session;
    if (me === undefined) return;
    if (rest === "") session.notice(messages.profile(me, session.userOf(me)?.name, server));
    else session.send(currentOf(session), `* ${session.nameOf(me)} ${rest}`);
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

// ── completion ────────────────────────────────────────────────────────────────────────────────────────

export interface Completion {
  /** How much before the caret is replaced, and by what. */
  readonly replaced: number;
  readonly text: string;
  /** What else it could be, when there is more than one. */
  readonly candidates: readonly string[];
}

/** What Tab makes of the text before the caret; `undefined` when there is nothing to complete. */
export function complete(session: ChatSession, before: string): Completion | undefined {
  const word = /\S*$/.exec(before)?.[0] ?? "";
  if (/^\/\S*$/.test(before)) {
    return choose(
      word,
      commandNames.map((name) => `/${name}`),
    );
  }
  const command = /^\/(\S+)\s/.exec(before)?.[1];
  const name = commandNames.find((one) => one === command);
  if (name !== undefined) {
    const { completes } = commandTable[name];
    if (completes === "none") return undefined;
    if (completes === "user") return choose(word, userIds(session));
    const rest = before.slice(before.indexOf(" ") + 1);
    return choose(
      rest,
      session.conversations.map((view) => session.titleOf(view)),
    );
  }
  return word.startsWith("@")
    ? choose(
        word,
        userIds(session).map((id) => `@${id}`),
      )
    : undefined;
}

function choose(word: string, known: readonly string[]): Completion | undefined {
  const candidates = [...new Set(known)].filter((one) => one.toLowerCase().startsWith(word.toLowerCase()));
  const [first] = candidates;
  if (first === undefined) return undefined;
  if (candidates.length === 1) return { replaced: word.length, text: `${first} `, candidates: [] };
  let shared = first;
  while (!candidates.every((one) => one.toLowerCase().startsWith(shared.toLowerCase()))) shared = shared.slice(0, -1);
  return { replaced: word.length, text: shared.length > word.length ? shared : word, candidates };
}

// ── small readings ────────────────────────────────────────────────────────────────────────────────────

export function personLabel(user: User | undefined, id: UserId): string {
  return user?.name === undefined || user.name === id ? id : `${safeLine(user.name)} (${id})`;
}

function userIds(session: ChatSession): UserId[] {
  return session.users.map(({ id }) => id).filter((id) => id !== session.me);
}

function currentOf(session: ChatSession): ConversationView {
  const view = session.current;
  if (view === undefined) throw new ChatRefusal(session.messages.noConversation);
  return view;
}

function groupOf(session: ChatSession): ConversationView {
  const view = currentOf(session);
  if (view.record.kind !== "group") throw new ChatRefusal(session.messages.onlyGroups);
  return view;
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
