/** `/press`: what each kind of button does where there is a line and no screen of its own. Rule T16 of docs/PROTOCOL.md says what is given with it. */
import type { StoredMessage } from "@suda/client";
import { checkTapValue, type Action, type DatetimeAction, type InteractionValue, type RequestAction } from "@suda/protocol";
import type { Question } from "./asking.ts";
import { buttonsOf, type Button } from "./buttons.ts";
import type { ConversationView } from "./conversation-view.ts";
import { formQuestions } from "./form-questions.ts";
import { choose, type Choice } from "./message-actions.ts";
import { ChatRefusal } from "./refusal.ts";
import type { ChatSession } from "./session.ts";
import { safeLine, safeText } from "./text-safety.ts";

interface Press {
  readonly session: ChatSession;
  readonly view: ConversationView;
  readonly message: StoredMessage;
  readonly action: Button["action"];
}

/**
 * Presses a button of the nth newest message that has some.
 * @param given what was written after the number: the first answer to what the button asks
 * @throws ChatRefusal when there is no such button, or it is used up
 */
export async function press(choice: Choice, number: number, given: string): Promise<void> {
  const { session, view } = choice;
  const { templates } = session.messages;
  const message = await choose(choice, "pressable");
  const buttons = buttonsIn(view, message);
  const button = buttons.find((one) => one.number === number);
  if (button === undefined) throw new ChatRefusal(templates.noButton(number, buttons.length));
  if (button.isUsed) throw new ChatRefusal(templates.alreadyUsed(labelOf(session, button.action)));
  await doPress({ session, view, message, action: button.action }, given);
}

/** All that can be pressed in a message as it is shown now. */
export function buttonsIn(view: ConversationView, message: StoredMessage): readonly Button[] {
  const { ofContent, quickReplies } = buttonsOf(message, view.snapshot.messages.at(-1) === message);
  return [...ofContent, ...quickReplies];
}

async function doPress(pressed: Press, given: string): Promise<void> {
  const { session, view, message, action } = pressed;
  const { templates } = session.messages;
  const questions = questionsOf(pressed);
  if (questions.length > 0) {
    const form = message.content.type === "form" && action.type === "submit" ? message.content : undefined;
    const title = form === undefined ? labelOf(session, action) : safeLine(form.title);
    session.asking.begin({
      title,
      questions,
      done: async (answers) => {
        await tap(pressed, valueOf(action, answers, session));
        session.notice(form === undefined ? templates.pressed(title) : templates.sent(title));
      },
    });
    if (given !== "") await session.asking.answer(given);
    return;
  }
  if (given !== "") throw new ChatRefusal(templates.takesNothing(labelOf(session, action)));
  const shown = action.type === "submit" ? undefined : shownInstead(action, session);
  if (shown !== undefined) session.notice(shown);
  // What the terminal does itself is told only where it counts: the first to press uses it up for all.
  const isQuickReply = message.quickReplies?.some((reply) => reply.action.id === action.id) === true;
  if (shown !== undefined && action.once !== true && !isQuickReply && action.type !== "request") return;
  const seq = await tap(pressed);
  if (seq !== undefined) await session.told(view, seq);
}

/** Goes on over other connections once it is on its way. @returns the tap's seq. @throws ChatRefusal when somebody was faster, or there is no connection to begin with */
async function tap({ session, view, message, action }: Press, value?: InteractionValue): Promise<number | undefined> {
  session.requireConnection();
  const { seq, used } = await view.room.tap(message.seq, action.id, value);
  if (used === true) throw new ChatRefusal(session.messages.templates.alreadyUsed(labelOf(session, action)));
  return seq;
}

/** What the person is told where another client would open, dial, copy or take a picture. */
function shownInstead(action: Action, { messages: { templates } }: ChatSession): string | undefined {
  switch (action.type) {
    case "uri":
      return templates.open(safeLine(action.uri));
    case "call":
      return templates.call(safeLine(action.phone));
    case "copy":
      return templates.copy(safeText(action.text));
    case "share":
      return templates.share;
    case "request":
      return templates.photo;
    case "message":
    case "postback":
    case "datetime":
    case "handoff":
      return undefined;
  }
}

function questionsOf({ session, message, action }: Press): readonly Question[] {
  const { messages } = session;
  if (action.type === "submit") return message.content.type === "form" ? formQuestions(message.content, messages) : [];
  if (action.type === "datetime") return [datetimeQuestion(action, session)];
  if (action.type !== "request" || action.kind === "camera" || action.kind === "photo") return [];
  return requestQuestions(action, session);
}

function datetimeQuestion(action: DatetimeAction, { messages: { templates } }: ChatSession): Question {
  const { mode, min, max, label } = action;
  const range = min === undefined && max === undefined ? "" : `, ${templates.between(min, max)}`;
  const hint = `${templates.hints[mode]}${range}`;
  return {
    key: "value",
    prompt: `${safeLine(label)} — ${hint}`,
    isOptional: false,
    read(input) {
      const value = input.replace(/^(\d{4}-\d{2}-\d{2}) +/, "$1T");
      if (!isTaken(action, value)) throw new ChatRefusal(hint);
      return value;
    },
  };
}

function requestQuestions(action: RequestAction, { messages: { templates } }: ChatSession): readonly Question[] {
  const { requests, hints } = templates;
  const question = (key: "name" | "phone" | "email", isOptional: boolean, hint?: string): Question => ({
    key,
    prompt: hint === undefined ? requests[key] : `${requests[key]} — ${hint}`,
    isOptional,
    read(input) {
      const contact = { type: "request", kind: "contact", id: action.id, label: action.label } as const;
      // One field at a time: what the others need is given to them.
      const isWell = isTaken(contact, { name: "x", ...(key === "name" ? { phone: "010" } : {}), [key]: input });
      if (!isWell) throw new ChatRefusal(hint ?? requests[key]);
      return input;
    },
  });
  if (action.kind === "email") return [question("email", false, hints.email)];
  if (action.kind === "contact") return [question("name", false), question("phone", true, hints.phone), question("email", true, hints.email)];
  const location: Question = {
    key: "location",
    prompt: `${requests.location} — ${hints.location}`,
    isOptional: false,
    read(input) {
      const [latitude, longitude, ...rest] = input.split(/[\s,]+/).map(Number);
      const value = { latitude, longitude };
      if (rest.length > 0 || !isTaken(action, value)) throw new ChatRefusal(hints.location);
      return value;
    },
  };
  return [location];
}

function valueOf(action: Button["action"], answers: Readonly<Record<string, unknown>>, { messages: { templates } }: ChatSession): InteractionValue {
  if (action.type === "datetime") return answers["value"] as string;
  if (action.type !== "request") return answers as InteractionValue;
  if (action.kind === "email") return answers["email"] as string;
  if (action.kind === "location") return answers["location"] as InteractionValue;
  if (answers["phone"] === undefined && answers["email"] === undefined) throw new ChatRefusal(templates.hints.contact);
  return answers as InteractionValue;
}

function isTaken(action: Action, value: unknown): boolean {
  return checkTapValue(action, value, { type: "deleted" }).length === 0;
}

function labelOf({ messages: { templates } }: ChatSession, { label }: Button["action"]): string {
  return safeLine(label ?? templates.submit);
}
