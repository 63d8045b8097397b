/** What is of the moment in one conversation: who writes, which bots think, and their answers while they grow. */
import type { ClientId, StreamEvent, ThinkingStarted, ThinkingStopped, TypingStarted, TypingStopped, UserId } from "@suda/protocol";
import { BusyUsers } from "../busy-users.ts";
import type { ConversationSnapshot } from "./client-conversation.ts";
import { Drafts, type DraftsOptions } from "./drafts.ts";

/** What the server tells of somebody who has not said it yet. */
export type AtWork = TypingStarted | TypingStopped | StreamEvent | ThinkingStarted | ThinkingStopped;

export class Ephemerals {
  readonly typing: BusyUsers;
  readonly thinking: BusyUsers;
  readonly drafts: Drafts;

  constructor(options: DraftsOptions) {
    const { clock, onChange } = options;
    this.typing = new BusyUsers({ clock, goodForMs: 6_000, onChange });
    this.thinking = new BusyUsers({ clock, goodForMs: 30_000, onChange });
    this.drafts = new Drafts(options);
  }

  get snapshot(): Pick<ConversationSnapshot, "typing" | "thinking" | "drafts"> {
    return { typing: this.typing.users, thinking: this.thinking.users, drafts: this.drafts.all };
  }

  receive(event: AtWork): void {
    if (event.type === "typing.started") return this.typing.started(event.user);
    if (event.type === "typing.stopped") return this.typing.stopped(event.user);
    if (event.type === "thinking.started") return this.thinking.started(event.user);
    this.thinking.stopped("user" in event ? event.user : event.from);
    if (event.type !== "thinking.stopped") this.drafts.receive(event);
  }

  /** A message was applied. */
  wrote(from: UserId, clientId: ClientId): void {
    this.typing.stopped(from);
    this.thinking.stopped(from);
    this.drafts.ended(from, clientId);
  }

  onLost(): void {
    this.typing.clear();
    this.thinking.clear();
    this.drafts.onLost();
  }

  clear(): void {
    this.typing.clear();
    this.thinking.clear();
    this.drafts.clear();
  }
}
