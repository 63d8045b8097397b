/** What a handler says, collected for the body of the webhook's response: for a bot that has no way to the server. */
import { templateLimits, type CommandType, type MessageBody } from "@suda/protocol";
import { BotError } from "./bot-error.ts";
import type { Ask } from "./session.ts";

/** The body of a 2xx. */
export interface WebhookAnswer {
  readonly messages?: readonly MessageBody[];
  readonly toast?: string;
}

export class AnswerCollector {
  readonly #messages: MessageBody[] = [];
  #toast: string | undefined;

  /** In place of a connection. What goes out has no seq yet. */
  readonly ask: Ask = (async (type: CommandType, fields: object) => {
    const {
      messages,
      content,
      conversation: _1,
      clientId: _2,
      stream: _3,
      target: _4,
      control: _5,
      toast,
      ...envelope
    } = fields as Readonly<Record<string, unknown>>;
    if (type === "bot.send" && messages !== undefined) this.#add(messages as readonly MessageBody[]);
    else if (type === "stream.finish" && content !== undefined) this.#add([{ content, ...envelope } as MessageBody]);
    else if (type === "interaction.answer") this.#toast = toast as string;
    else throw new BotError("bot.no_api");
    return { seqs: [], seq: 0, at: 0 };
  }) as Ask;

  get answer(): WebhookAnswer {
    return { ...(this.#messages.length === 0 ? {} : { messages: this.#messages }), ...(this.#toast === undefined ? {} : { toast: this.#toast }) };
  }

  #add(messages: readonly MessageBody[]): void {
    if (this.#messages.length + messages.length > templateLimits.messagesPerSendMax) throw new BotError("bot.answer_full");
    this.#messages.push(...messages);
  }
}
