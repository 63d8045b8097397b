/**
 * What a tap says beside which action it was: a value of the tapper's, data and words of the bot's. It goes with the
 * message that was tapped, like the words of an edit (D8). Without schemas: clients load it.
 */

/** What can be tapped, by the type of the action; `submit` sends a form. */
export type InteractionKind = "message" | "postback" | "uri" | "call" | "datetime" | "copy" | "request" | "share" | "handoff" | "submit";

/** Of the others nothing is recorded but that they were tapped: there is nothing to erase. */
const speaking: ReadonlySet<InteractionKind> = new Set(["postback", "datetime", "request", "submit"]);

/** Whether a tap of this kind may say something, so that it goes with its message. */
export function saysSomething(kind: InteractionKind): boolean {
  return speaking.has(kind);
}

interface Words {
  readonly value?: unknown;
  readonly data?: unknown;
  readonly displayText?: unknown;
}

/** The tap without what it said. Who tapped what stays. */
export function eraseWords<Tap extends Words>(tap: Tap): Omit<Tap, keyof Words> & { readonly erased: true } {
  const { value: _value, data: _data, displayText: _displayText, ...rest } = tap;
  return { ...rest, erased: true };
}
