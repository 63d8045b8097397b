/** A group in which a bot offers something to tap, for the tests of taps. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ConversationId, LogEvent } from "@suda/protocol";
import { codeOf, createTestGroup, TestServer, textOf, type WebSocketCommunicator } from "@suda/testing";

export type Connection = WebSocketCommunicator;

export interface World extends AsyncDisposable {
  readonly suda: TestServer;
  /** Owner of the group, and a bot. */
  readonly tutor: Connection;
  readonly bob: Connection;
  readonly carol: Connection;
  readonly id: ConversationId;
  /** Sends a message of the bot's; returns its seq. */
  readonly offer: (message: object) => Promise<number>;
  /** The reply to a tap, or its error. */
  readonly tap: (who: Connection, target: number, action: string, more?: object) => Promise<Answer>;
}

export interface Answer {
  readonly code: string;
  readonly path?: string;
  readonly seq: number;
  readonly at: number;
  readonly used?: true;
  readonly duplicate?: true;
}

export async function offering(): Promise<World> {
  const suda = await TestServer.open({ limits: { commands: { perSecond: 100_000, burst: 100_000 } } });
  await suda.backend().request("PUT", "/v1/users/tutor", { name: "Tutor", bot: true });
  const [tutor, bob, carol] = await Promise.all([suda.connect("tutor"), suda.connect("bob"), suda.connect("carol")]);
  const { id } = await createTestGroup(tutor, ["bob", "carol"]);
  return {
    suda,
    tutor,
    bob,
    carol,
    id,
    offer: async (message) => ((await tutor.answer({ type: "message.send", conversation: id, clientId: randomUUID(), ...message })) as unknown as Answer).seq,
    tap: async (who, target, action, more = {}) => {
      const answer = await who.answer({ type: "interaction.tap", conversation: id, target, action, clientId: randomUUID(), ...more });
      return { code: codeOf(answer), ...(answer as object) } as unknown as Answer;
    },
    [Symbol.asyncDispose]: () => suda[Symbol.asyncDispose](),
  };
}

export const card = (...buttons: object[]): object => ({ content: { type: "card", text: "Which one?", buttons }, altText: "Which one?" });
export const postback = (id: string, more: object = {}): object => ({ type: "postback", id, label: id, ...more });
export const replies = (...ids: string[]): object => ({ content: textOf("And?"), quickReplies: ids.map((id) => ({ action: postback(id) })) });
export const form = (more: object = {}): object => ({
  content: {
    type: "form",
    title: "Who?",
    fields: [
      { id: "name", kind: "text", label: "Name", required: true, maxLength: 5 },
      { id: "mail", kind: "email", label: "Mail" },
    ],
    ...more,
  },
  altText: "Who?",
});

export async function history(connection: Connection, conversation: ConversationId): Promise<readonly LogEvent[]> {
  return (await connection.request({ type: "history.get", conversation, after: 0, limit: 200 })).events;
}

export async function eventAt(connection: Connection, conversation: ConversationId, seq: number): Promise<LogEvent> {
  const [event] = (await connection.request({ type: "history.get", conversation, after: seq - 1, limit: 1 })).events;
  assert.ok(event?.seq === seq);
  return event;
}
