/** A life for a store that is moved: everything that can be written, by chance, so that a move meets all of it in all orders. */
import type { ClientId, ConversationId, UserId } from "@suda/protocol";
import type { LogBody, Store } from "@suda/server/store";
import type { SeededRandom } from "../seeded-random.ts";

const users = ["alice", "bob", "carol", "dave", "tutor"] as UserId[];
const emojis = ["👍", "❤️", "수다"];

export class MovingLife {
  readonly conversations: ConversationId[] = [];
  /** Messages with a key, for retries. */
  readonly sent: { readonly id: ConversationId; readonly from: UserId; readonly clientId: ClientId; readonly body: LogBody; readonly seq: number }[] = [];
  readonly #store: Store;
  readonly #random: SeededRandom;
  #count = 0;

  constructor(store: Store, random: SeededRandom) {
    this.#store = store;
    this.#random = random;
  }

  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#step();
  }

  async #step(): Promise<void> {
    const count = ++this.#count;
    if (this.conversations.length === 0 || this.#random.isTrue(0.04)) return this.#create(count);
    const id = this.#random.pick(this.conversations);
    const from = this.#random.pick(users);
    const { log, conversations, users: profiles, documents } = this.#store;
    const record = await conversations.get(id);
    const head = record?.head.seq ?? 0;
    const target = 1 + this.#random.integer(0, Math.max(0, head - 1));
    const append = async (body: LogBody): Promise<unknown> => log.append(id, [{ from, body }]);
    const deeds: readonly (() => Promise<unknown>)[] = [
      () => this.#say(id, from, count),
      () => this.#say(id, from, count),
      () => this.#say(id, from, count),
      () => append({ type: "message.created", content: { type: "bytes", mime: "a/b", bytes: new Uint8Array([count % 256, 0, 255]) } }),
      () =>
        append({
          type: "message.created",
          content: { type: "card", text: "?", buttons: [{ type: "postback", id: "a", label: "a", data: "d", once: true }] },
          altText: "?",
        }),
      () => append({ type: "message.edited", target, rev: 0, content: { type: "text", text: `edit ${count}` } }),
      () => append({ type: "message.deleted", target }),
      () => append({ type: "reaction.added", target, emoji: this.#random.pick(emojis) }),
      () => append({ type: "reaction.added", target, emoji: this.#random.pick(emojis) }),
      () => append({ type: "reaction.removed", target, emoji: this.#random.pick(emojis) }),
      () => append({ type: this.#random.isTrue(0.5) ? "pin.added" : "pin.removed", target }),
      () => append({ type: "interaction.created", target, action: "a" }),
      () => (record?.kind === "direct" ? Promise.resolve() : append(this.#membership())),
      () =>
        append({
          type: "conversation.updated",
          title: this.#random.isTrue(0.8) ? `title ${count}` : null,
          retentionMs: this.#random.isTrue(0.5) ? 60_000 : null,
        }),
      () => append({ type: "control.changed", holder: "none", epoch: 0, reason: "handoff" }),
      () => append(this.#taking(from)),
      () => conversations.advanceRead(id, from, target),
      () => conversations.advanceDelivered(id, from, target),
      () => conversations.updateMember(id, from, { mutedUntil: this.#random.isTrue(0.7) ? count : null, isMarkedUnread: true }),
      () => conversations.hideMessage(id, from, target),
      () => conversations.hideMessage(id, from, target),
      () => profiles.update(from, { name: `name ${count}` }, count),
      () => documents.put(this.#random.pick(["bots", "templates", "deliveries"] as const), `k${count % 7}`, { count }),
      () => documents.delete(this.#random.pick(["bots", "templates", "deliveries"] as const), `k${count % 7}`),
      () => (this.#random.isTrue(0.15) ? log.truncate(id, target) : Promise.resolve()),
    ];
    await this.#random.pick(deeds)();
  }

  #membership(): LogBody {
    const user = this.#random.pick(users);
    return this.#random.isTrue(0.5) ? { type: "member.added", users: [user] } : { type: "member.removed", user };
  }

  #taking(agent: UserId): LogBody {
    if (this.#random.isTrue(0.5)) return { type: "control.changed", holder: "bot", epoch: 0, reason: "returned" };
    return { type: "control.changed", holder: "human", epoch: 0, agent, leaseMs: 60_000, reason: "taken" };
  }

  async #create(count: number): Promise<void> {
    const id = `room-${String(count).padStart(6, "0")}` as ConversationId;
    const isDirect = this.#random.isTrue(0.3);
    const members = isDirect ? users.slice(0, 2) : users.slice(0, 4);
    await this.#store.users.ensure(members, count);
    await this.#store.conversations.create({
      id,
      kind: isDirect ? "direct" : "group",
      epoch: `epoch-${count}`,
      createdAt: count,
      ...(this.#random.isTrue(0.5) ? { key: { user: "alice" as UserId, clientId: `create-${count}` as ClientId } } : {}),
      members: members.map((user, index) => ({ user, role: index === 0 ? "owner" : "member" })),
    });
    this.conversations.push(id);
  }

  async #say(id: ConversationId, from: UserId, count: number): Promise<void> {
    const clientId = `c-${count}` as ClientId;
    const body: LogBody = { type: "message.created", content: { type: "text", text: `message ${count}` } };
    const [outcome] = await this.#store.log.append(id, [{ from, clientId, body }]);
    if (outcome?.outcome === "stored") this.sent.push({ id, from, clientId, body, seq: outcome.entry.seq });
  }
}
