/**
 * Questions that a button or a form asks, one after the other, on the line where messages are written. Both faces
 * pass their lines on while something is asked.
 */
import type { Messages } from "./messages.ts";
import { ChatRefusal } from "./refusal.ts";

export interface Question {
  readonly key: string;
  /** Sanitised by whoever asks. */
  readonly prompt: string;
  readonly isOptional: boolean;
  /** @throws ChatRefusal with what is wrong, in words */
  read(input: string): unknown;
}

export interface Inquiry {
  /** What the questions are about. */
  readonly title: string;
  readonly questions: readonly Question[];
  /** @param answers by key; what was skipped is absent */
  readonly done: (answers: Readonly<Record<string, unknown>>) => Promise<void>;
}

export interface AskingOptions {
  readonly messages: Messages;
  readonly notice: (text: string) => void;
}

export class Asking {
  readonly #options: AskingOptions;
  #inquiry: Inquiry | undefined;
  #answers = new Map<string, unknown>();
  #next = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** What is asked now; `undefined` when nothing is. */
  get question(): Question | undefined {
    return this.#inquiry?.questions[this.#next];
  }

  /** Asks the first question; what was asked before is given up. */
  begin(inquiry: Inquiry): void {
    this.#inquiry = inquiry;
    this.#answers = new Map();
    this.#next = 0;
    this.#options.notice(`${inquiry.title} — ${this.#options.messages.templates.howToAnswer}\n${this.#prompt()}`);
  }

  /**
   * Takes the answer to what is asked now; with the last one all are handed over. An answer that is wrong is asked for again.
   * @throws ChatRefusal and what `done` throws
   */
  async answer(input: string): Promise<void> {
    const { question } = this;
    const inquiry = this.#inquiry;
    if (question === undefined || inquiry === undefined) return;
    const text = input.trim();
    if (text !== "") this.#answers.set(question.key, question.read(text));
    else if (!question.isOptional) throw new ChatRefusal(this.#options.messages.templates.required);
    this.#next++;
    if (this.question !== undefined) return this.#options.notice(this.#prompt());
    this.#inquiry = undefined;
    await inquiry.done(Object.fromEntries(this.#answers));
  }

  /** Nothing is asked any more. @returns whether something was */
  cancel(): boolean {
    const wasAsking = this.question !== undefined;
    this.#inquiry = undefined;
    if (wasAsking) this.#options.notice(this.#options.messages.templates.cancelled);
    return wasAsking;
  }

  #prompt(): string {
    const { question } = this;
    const count = this.#inquiry?.questions.length ?? 0;
    const place = count > 1 ? `(${this.#next + 1}/${count}) ` : "";
    const skip = question?.isOptional === true ? ` (${this.#options.messages.templates.optional})` : "";
    return `? ${place}${question?.prompt ?? ""}${skip}`;
  }
}
