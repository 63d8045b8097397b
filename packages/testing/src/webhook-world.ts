/** A server with the bot `tutor`, its webhook, and alice, who talks to it. Over real sockets on loopback, which is allowed; time is the test's. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { ConversationId, DeadLetter, MessageCreated, Webhook } from "@suda/protocol";
import type { HttpAnswer } from "./http-communicator.ts";
import { TestServer, textOf, type TestServerOptions } from "./test-server.ts";
import { WebhookReceiver, type ReceivedWebhook } from "./webhook-receiver.ts";

export const webhookPath: string = "/v1/bots/tutor/webhook";
/** Status, code and path of an answer; without a refusal the last two are absent. */
export const refusalIn = ({ status, body }: HttpAnswer): readonly unknown[] => [status, (body as { code?: string }).code, (body as { path?: string }).path];
export const webhookText = ({ body }: ReceivedWebhook): string => textOfEvent(body.event as MessageCreated);
export const textOfEvent = ({ content }: MessageCreated): string => (content.type === "text" ? content.text : content.type);

export interface WebhookWorld extends AsyncDisposable {
  readonly suda: TestServer;
  readonly receiver: WebhookReceiver;
  /** The direct conversation of alice and the bot. */
  readonly id: ConversationId;
  /** Alice says it, by HTTP, so that the clock may be moved. */
  readonly say: (text: string, id?: ConversationId) => Promise<number>;
  readonly status: () => Promise<Webhook["status"]>;
}

export async function openWebhookWorld(
  options: TestServerOptions & { readonly events?: readonly string[]; readonly respond?: WebhookReceiver["respond"] } = {},
): Promise<WebhookWorld> {
  const { events, respond, ...server } = options;
  const suda = await TestServer.open({ outgoing: { allow: ["127.0.0.0/8"] }, ...server });
  const receiver = await WebhookReceiver.open({ clock: suda.clock, ...(respond === undefined ? {} : { respond }) });
  await suda.backend().request("PUT", "/v1/bots/tutor", { name: "Tutor" });
  const registered = await suda.backend().request("PUT", webhookPath, { url: receiver.url, ...(events === undefined ? {} : { events }) });
  receiver.secrets.push(webhookSecretIn(registered));
  return { suda, receiver, ...(await openWithTutor(suda, "alice")), [Symbol.asyncDispose]: () => close(suda, receiver) };
}

export async function openWithTutor(suda: TestServer, user: string): Promise<Pick<WebhookWorld, "id" | "say" | "status">> {
  const { body } = await suda.backend().post("/v1/conversations", { kind: "direct", members: [user, "tutor"] });
  const { id } = (body as { conversation: { id: ConversationId } }).conversation;
  return {
    id,
    say: async (text, where = id) => {
      const answer = await suda.backend(user).post(`/v1/conversations/${where}/messages`, { clientId: randomUUID(), content: textOf(text) });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return (answer.body as { seq: number }).seq;
    },
    status: async () => ((await suda.backend().get(webhookPath)).body as { webhook: Webhook }).webhook.status,
  };
}

async function close(suda: TestServer, receiver: WebhookReceiver): Promise<void> {
  await receiver[Symbol.asyncDispose]();
  await suda[Symbol.asyncDispose]();
}

export function webhookSecretIn({ body }: HttpAnswer): string {
  const { secret } = body as { secret?: string };
  assert.match(secret ?? "", /^whsec_[A-Za-z0-9+/]{43}=$/);
  return secret ?? "";
}

/** Waits for an answer of the server's, not for time. */
export async function eventually(isSo: () => Promise<boolean>, meanwhile: () => void = () => {}, timeoutMs = 10_000): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error("It did not come to that.");
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const answerJson =
  (body: unknown): WebhookReceiver["respond"] =>
  (_received: ReceivedWebhook, response: ServerResponse): void =>
    void response.writeHead(200, { "content-type": "application/json" }).end(typeof body === "string" ? body : JSON.stringify(body));

export async function historyOf({ suda, id }: WebhookWorld): Promise<readonly MessageCreated[]> {
  const { body } = await suda.backend().get(`/v1/conversations/${id}/history?after=0&limit=200`);
  return (body as { events: MessageCreated[] }).events;
}

export async function deadLettersOf(suda: TestServer): Promise<readonly DeadLetter[]> {
  return ((await suda.backend().get("/v1/bots/tutor/dead-letters")).body as { deadLetters: DeadLetter[] }).deadLetters;
}
