/** Every sentence of the terminal client, in Korean and in English. A sentence missing in one does not compile. */
import type { ControlChanged } from "@suda/protocol";

import { englishTemplateTexts, koreanTemplateTexts, type TemplateTexts } from "./template-texts.ts";

export interface Messages {
  readonly locale: "ko" | "en";
  readonly connecting: string;
  readonly connected: string;
  readonly closed: (reason: string) => string;
  readonly waiting: (seconds: number) => string;
  /** The same where the screen is narrow. */
  readonly waitingShort: (seconds: number) => string;
  readonly notConnected: string;
  readonly outboxFull: string;
  /** Something went wrong beside what one does: an outbox that cannot be written. */
  readonly problem: (problem: string) => string;
  readonly unsent: (count: number) => string;
  readonly fromBefore: (count: number) => string;
  readonly online: string;
  readonly offline: string;
  readonly typing: (names: readonly string[]) => string;
  readonly thinking: (names: readonly string[]) => string;
  readonly backAgain: string;
  readonly lost: string;
  readonly you: string;
  readonly memberCount: (count: number) => string;
  readonly unread: (count: number) => string;
  readonly unreadLine: string;
  readonly noConversation: string;
  readonly nothingYet: string;
  readonly beginning: string;
  readonly newerBelow: (count: number) => string;
  readonly welcome: string;
  readonly failed: (reason: string) => string;
  readonly nothingFailed: string;
  readonly discarded: (count: number) => string;
  readonly retrying: (count: number) => string;
  readonly tooLong: (count: number, max: number) => string;
  readonly pasteCut: string;
  readonly unknownCommand: (command: string, guess: string | undefined) => string;
  readonly usage: (usage: string) => string;
  readonly noSuchConversation: (target: string) => string;
  readonly notUser: (target: string) => string;
  readonly onlyGroups: string;
  readonly now: (title: string) => string;
  readonly profile: (user: string, name: string | undefined, server: string) => string;
  readonly renamed: (name: string) => string;
  readonly members: (list: string, more: boolean) => string;
  readonly roles: { readonly owner: string; readonly admin: string; readonly member: string };
  readonly bot: string;
  readonly conversations: string;
  readonly unconfirmed: (count: number) => string;
  readonly kept: (count: number, file: string) => string;
  readonly added: (by: string, users: string) => string;
  readonly left: (user: string) => string;
  readonly removed: (by: string, user: string) => string;
  readonly roleGiven: (by: string, user: string, role: string) => string;
  readonly titled: (by: string, title: string) => string;
  readonly changed: (by: string) => string;
  readonly youLeft: (title: string) => string;
  readonly content: Readonly<Record<"image" | "video" | "audio" | "file" | "location" | "bytes", string>>;
  readonly deletedMessage: string;
  /** Behind an edited message. */
  readonly edited: string;
  readonly editedBy: (by: string, text: string) => string;
  readonly deletedBy: (by: string) => string;
  readonly reacted: (by: string, emoji: string) => string;
  readonly unreacted: (by: string, emoji: string) => string;
  readonly tapped: (by: string, what: string) => string;
  readonly pinned: (by: string) => string;
  readonly unpinned: (by: string) => string;
  /** By the reason of the change; `queue` is empty when there is none. */
  readonly control: Readonly<Record<ControlChanged["reason"], (by: string, queue: string) => string>>;
  readonly noMessage: string;
  readonly noOwnMessage: string;
  readonly noOtherMessage: string;
  readonly unsupported: (type: string) => string;
  /** About the messages of bots. */
  readonly templates: TemplateTexts;
  readonly help: Readonly<Record<CommandName | "keys", string>>;
}

export const commandNames = [
  "join",
  "dm",
  "new",
  "add",
  "leave",
  "who",
  "list",
  "history",
  "edit",
  "delete",
  "react",
  "reply",
  "pin",
  "press",
  "cancel",
  "retry",
  "discard",
  "me",
  "name",
  "help",
  "quit",
] as const;
export type CommandName = (typeof commandNames)[number];

const english: Messages = {
  locale: "en",
  connecting: "connecting…",
  connected: "connected",
  closed: (reason) => `disconnected: ${reason}`,
  waiting: (seconds) => `no connection, again in ${seconds} s (Ctrl-R: now)`,
  waitingShort: (seconds) => `offline, ${seconds} s`,
  notConnected: "There is no connection now. Try again when it is back.",
  outboxFull: "Too many messages wait already. Nothing was kept of this one.",
  problem: (problem) => `Something went wrong: ${problem}`,
  unsent: (count) => `${count} unsent`,
  fromBefore: (count) => (count === 1 ? "1 message of last time is sent now." : `${count} messages of last time are sent now.`),
  online: "online",
  offline: "offline",
  typing: (names) => `${names.join(", ")} ${names.length === 1 ? "is" : "are"} writing…`,
  thinking: (names) => `${names.join(", ")} ${names.length === 1 ? "is" : "are"} thinking…`,
  backAgain: "connected again",
  lost: "The connection is lost. What you write is sent when it is back.",
  you: "me",
  memberCount: (count) => (count === 1 ? "1 member" : `${count} members`),
  unread: (count) => `${count} unread`,
  unreadLine: "unread",
  noConversation: "No conversation is open: /dm USER, or /new TITLE USER…",
  nothingYet: "No message yet. Say hello!",
  beginning: "the beginning",
  newerBelow: (count) => `↓ ${count} new (End)`,
  welcome: "Welcome to Suda. /dm alice opens a conversation, /new TITLE alice jimin a group, /help shows everything.",
  failed: (reason) => `${reason} — /retry`,
  nothingFailed: "Nothing here has failed.",
  discarded: (count) => (count === 1 ? "1 message was discarded." : `${count} messages were discarded.`),
  retrying: (count) => (count === 1 ? "Sending 1 message again." : `Sending ${count} messages again.`),
  tooLong: (count, max) => `${count} characters; a message has at most ${max}. Nothing was sent.`,
  pasteCut: "The paste was too long and was cut.",
  unknownCommand: (command, guess) =>
    guess === undefined
      ? `There is no ${command}. /help shows the commands; // at the beginning writes a slash.`
      : `There is no ${command}. Did you mean ${guess}?`,
  usage: (usage) => `Usage: ${usage}`,
  noSuchConversation: (target) => `You have no conversation "${target}". /list shows yours; /dm USER opens one.`,
  notUser: (target) => `"${target}" is not a user id.`,
  onlyGroups: "That is for groups; this is a direct conversation.",
  now: (title) => `Now in ${title}.`,
  profile: (user, name, server) => `You are ${name === undefined ? user : `${name} (${user})`} on ${server}.`,
  renamed: (name) => `Your name is now ${name}.`,
  members: (list, more) => `${list}${more ? " … and more" : ""}`,
  roles: { owner: "owner", admin: "admin", member: "member" },
  bot: "bot",
  conversations: "Your conversations:",
  unconfirmed: (count) => (count === 1 ? "1 message was not confirmed by the server." : `${count} messages were not confirmed by the server.`),
  kept: (count, file) => `${count === 1 ? "1 message waits" : `${count} messages wait`} in ${file} for the next start.`,
  added: (by, users) => `${by} added ${users}`,
  left: (user) => `${user} left`,
  removed: (by, user) => `${by} removed ${user}`,
  roleGiven: (by, user, role) => `${by} made ${user} ${role}`,
  titled: (by, title) => `${by} named the group ${title}`,
  changed: (by) => `${by} changed the group`,
  youLeft: (title) => `You are no longer in ${title}.`,
  content: { image: "image", video: "video", audio: "audio", file: "file", location: "location", bytes: "data" },
  deletedMessage: "deleted message",
  edited: "(edited)",
  editedBy: (by, text) => `${by} edited a message: ${text}`,
  deletedBy: (by) => `${by} deleted a message`,
  reacted: (by, emoji) => `${by} reacted with ${emoji}`,
  unreacted: (by, emoji) => `${by} took ${emoji} back`,
  tapped: (by, what) => `${by} tapped “${what}”`,
  pinned: (by) => `${by} pinned a message`,
  unpinned: (by) => `${by} unpinned a message`,
  control: {
    handoff: (by, queue) => `${by} asked for a human${queue === "" ? "" : ` (${queue})`}; the bot is silent`,
    taken: (by) => `${by} took over from the bot`,
    returned: (by) => `${by} gave the conversation back to the bot`,
    expired: () => "nobody answered for a while: the bot is back",
  },
  noMessage: "There is no message here yet.",
  noOwnMessage: "There is no such message of yours, as far as is shown.",
  noOtherMessage: "There is no such message of others, as far as is shown.",
  unsupported: (type) => `[${type}: this client cannot show it]`,
  templates: englishTemplateTexts,
  help: {
    join: "open one of your conversations",
    dm: "direct conversation with a user",
    new: "new group; quotes around a title with spaces",
    add: "add users to this group",
    leave: "leave this group",
    who: "who is in this conversation",
    list: "your conversations",
    history: "older messages",
    edit: "give your last message another text; ^2 the one before",
    delete: "delete your last message for everybody",
    react: "react to the last message, or take it back",
    reply: "answer the last message of others",
    pin: "pin the last message for everybody, or unpin it",
    press: "press a button of the newest message that has some; /2 is short for /press 2",
    cancel: "stop answering what a button or a form asks",
    retry: "send failed messages again",
    discard: "forget failed messages",
    me: "say what you do; alone: who you are",
    name: "change your name",
    help: "this list",
    quit: "leave the program",
    keys: "Enter sends, Alt+Enter or Ctrl-J new line, Tab completes, PgUp/PgDn scroll, Ctrl-N/Ctrl-P next and previous conversation, Ctrl-C quits",
  },
};

const korean: Messages = {
  locale: "ko",
  connecting: "연결 중…",
  connected: "연결됨",
  closed: (reason) => `연결 끊김: ${reason}`,
  waiting: (seconds) => `연결 없음, ${seconds}초 뒤 재시도 (Ctrl-R: 지금)`,
  waitingShort: (seconds) => `연결 없음, ${seconds}초`,
  notConnected: "지금은 연결이 없습니다. 다시 연결되면 해 보세요.",
  outboxFull: "기다리는 메시지가 너무 많습니다. 이 메시지는 보관하지 않았습니다.",
  problem: (problem) => `문제가 생겼습니다: ${problem}`,
  unsent: (count) => `보내지 못함 ${count}`,
  fromBefore: (count) => `지난번에 보내지 못한 메시지 ${count}개를 보냅니다.`,
  online: "온라인",
  offline: "오프라인",
  typing: (names) => `${names.join(", ")} 님이 쓰고 있습니다…`,
  thinking: (names) => `${names.join(", ")} 님이 생각하고 있습니다…`,
  backAgain: "다시 연결되었습니다",
  lost: "연결이 끊어졌습니다. 지금 쓰는 메시지는 다시 연결되면 전송됩니다.",
  you: "나",
  memberCount: (count) => `${count}명`,
  unread: (count) => `안 읽음 ${count}`,
  unreadLine: "여기부터 안 읽음",
  noConversation: "열린 대화가 없습니다: /dm 사용자, 또는 /new 제목 사용자…",
  nothingYet: "아직 메시지가 없습니다. 먼저 인사해 보세요!",
  beginning: "대화의 시작",
  newerBelow: (count) => `↓ 새 메시지 ${count}개 (End)`,
  welcome: "수다에 오신 것을 환영합니다. /dm alice 로 대화를, /new 제목 alice jimin 으로 그룹을 시작하세요. /help 는 도움말입니다.",
  failed: (reason) => `${reason} — /retry`,
  nothingFailed: "여기에는 실패한 메시지가 없습니다.",
  discarded: (count) => `메시지 ${count}개를 버렸습니다.`,
  retrying: (count) => `메시지 ${count}개를 다시 보냅니다.`,
  tooLong: (count, max) => `${count}자입니다. 메시지는 최대 ${max}자이며, 아무것도 보내지 않았습니다.`,
  pasteCut: "붙여 넣은 글이 너무 길어 잘렸습니다.",
  unknownCommand: (command, guess) =>
    guess === undefined
      ? `${command} 명령은 없습니다. /help 로 명령을 볼 수 있고, // 로 시작하면 빗금을 씁니다.`
      : `${command} 명령은 없습니다. ${guess} 를 찾으셨나요?`,
  usage: (usage) => `사용법: ${usage}`,
  noSuchConversation: (target) => `"${target}" 대화가 없습니다. /list 로 목록을 보고, /dm 사용자 로 새로 여세요.`,
  notUser: (target) => `"${target}" 은(는) 사용자 아이디가 아닙니다.`,
  onlyGroups: "그룹에서만 쓸 수 있습니다. 여기는 1:1 대화입니다.",
  now: (title) => `${title} 대화로 왔습니다.`,
  profile: (user, name, server) => `${name === undefined ? user : `${name} (${user})`} 님, ${server} 에 계십니다.`,
  renamed: (name) => `이제 이름은 ${name} 입니다.`,
  members: (list, more) => `${list}${more ? " … 외 더 있음" : ""}`,
  roles: { owner: "방장", admin: "관리자", member: "멤버" },
  bot: "봇",
  conversations: "내 대화:",
  unconfirmed: (count) => `메시지 ${count}개는 서버의 확인을 받지 못했습니다.`,
  kept: (count, file) => `메시지 ${count}개가 ${file} 에 남아, 다음에 시작할 때 전송됩니다.`,
  added: (by, users) => `${by} 님이 ${users} 님을 초대했습니다`,
  left: (user) => `${user} 님이 나갔습니다`,
  removed: (by, user) => `${by} 님이 ${user} 님을 내보냈습니다`,
  roleGiven: (by, user, role) => `${by} 님이 ${user} 님의 역할을 ${role}(으)로 바꿨습니다`,
  titled: (by, title) => `${by} 님이 그룹 이름을 ${title}(으)로 바꿨습니다`,
  changed: (by) => `${by} 님이 그룹 정보를 바꿨습니다`,
  youLeft: (title) => `${title} 대화에서 나왔습니다.`,
  content: { image: "사진", video: "동영상", audio: "음성", file: "파일", location: "위치", bytes: "데이터" },
  deletedMessage: "삭제된 메시지",
  edited: "(수정됨)",
  editedBy: (by, text) => `${by} 님이 메시지를 수정했습니다: ${text}`,
  deletedBy: (by) => `${by} 님이 메시지를 삭제했습니다`,
  reacted: (by, emoji) => `${by} 님이 ${emoji} 반응을 남겼습니다`,
  unreacted: (by, emoji) => `${by} 님이 ${emoji} 반응을 거두었습니다`,
  tapped: (by, what) => `${by} 님이 “${what}” 버튼을 눌렀습니다`,
  pinned: (by) => `${by} 님이 메시지를 고정했습니다`,
  unpinned: (by) => `${by} 님이 메시지 고정을 풀었습니다`,
  control: {
    handoff: (by, queue) => `${by} 님이 상담원을 불렀습니다${queue === "" ? "" : ` (${queue})`}. 봇은 쉽니다`,
    taken: (by) => `${by} 님이 봇 대신 답합니다`,
    returned: (by) => `${by} 님이 대화를 봇에게 돌려주었습니다`,
    expired: () => "한동안 답이 없어 봇이 다시 답합니다",
  },
  noMessage: "아직 메시지가 없습니다.",
  noOwnMessage: "보이는 범위에 그런 내 메시지가 없습니다.",
  noOtherMessage: "보이는 범위에 다른 사람이 쓴 그런 메시지가 없습니다.",
  unsupported: (type) => `[${type}: 이 프로그램에서 볼 수 없습니다]`,
  templates: koreanTemplateTexts,
  help: {
    join: "내 대화 열기",
    dm: "사용자와 1:1 대화",
    new: "새 그룹. 제목에 빈칸이 있으면 따옴표로",
    add: "이 그룹에 초대",
    leave: "이 그룹에서 나가기",
    who: "대화에 있는 사람",
    list: "내 대화 목록",
    history: "이전 메시지",
    edit: "내 마지막 메시지 고치기. ^2 는 그 앞의 것",
    delete: "내 마지막 메시지를 모두에게서 지우기",
    react: "마지막 메시지에 반응하기, 다시 쓰면 거두기",
    reply: "다른 사람의 마지막 메시지에 답하기",
    pin: "마지막 메시지를 모두에게 고정하기, 다시 쓰면 풀기",
    press: "버튼이 있는 마지막 메시지의 버튼 누르기. /2 는 /press 2 와 같음",
    cancel: "버튼이나 양식이 묻는 것에 답하기를 그만두기",
    retry: "실패한 메시지 다시 보내기",
    discard: "실패한 메시지 버리기",
    me: "행동을 말하기. 혼자 쓰면 내 정보",
    name: "내 이름 바꾸기",
    help: "이 목록",
    quit: "끝내기",
    keys: "Enter 전송, Alt+Enter 또는 Ctrl-J 줄바꿈, Tab 자동 완성, PgUp/PgDn 스크롤, Ctrl-N/Ctrl-P 다음·이전 대화, Ctrl-C 끝내기",
  },
};

export function messagesFor(language: "ko" | "en"): Messages {
  return language === "ko" ? korean : english;
}
