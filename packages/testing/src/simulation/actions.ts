/** What users of a simulated world do: weighted as a busy team would, with some who try what they may not. */
import type { ConversationId } from "@suda/protocol";
import type { Device, SimulatedWorld } from "./simulated-world.ts";

type Action = (world: SimulatedWorld, device: Device, conversation: ConversationId | undefined) => void;

const weighted: readonly (readonly [weight: number, action: Action])[] = [
  [40, (world, device, conversation) => say(world, device, conversation, 1)],
  // Pipelined, so that the order within a connection is tested.
  [6, (world, device, conversation) => say(world, device, conversation, world.random.integer(2, 12))],
  [10, read],
  [4, typing],
  [4, page],
  [7, ({ random, users }, { client }) => client.ask({ type: "conversation.open", with: random.pick(users) })],
  [4, create],
  [7, (world, { client }, conversation) => about(client, conversation, { type: "member.add", users: [world.random.pick(world.users)] })],
  [5, (world, { client }, conversation) => about(client, conversation, { type: "member.remove", user: world.random.pick(world.users) })],
  [2, (_world, { client }, conversation) => about(client, conversation, { type: "member.leave" })],
  [3, (world, { client }, conversation) => about(client, conversation, { type: "conversation.update", title: `title ${world.random.integer(1, 99)}` })],
  [3, promote],
  [5, trespass],
];
const totalWeight = weighted.reduce((sum, [weight]) => sum + weight, 0);

export function act(world: SimulatedWorld, device: Device): void {
  const known = [...device.client.conversations.keys()];
  for (const id of known) world.knownConversations.add(id);
  const conversation = known.length === 0 ? undefined : world.random.pick(known);
  let dice = world.random.float() * totalWeight;
  for (const [weight, action] of weighted) {
    dice -= weight;
    if (dice < 0) return action(world, device, conversation);
  }
}

function about(client: Device["client"], conversation: ConversationId | undefined, command: Readonly<Record<string, unknown>>): void {
  if (conversation !== undefined) client.ask({ ...command, conversation });
}

function say({ random }: SimulatedWorld, { client, name }: Device, conversation: ConversationId | undefined, count: number): void {
  if (conversation === undefined) return;
  for (let i = 0; i < count; i++) client.send(conversation, `${name} says ${random.integer(1, 1_000_000)} 안녕 👋`.repeat(random.isTrue(0.05) ? 30 : 1));
}

function read({ random }: SimulatedWorld, { client }: Device, conversation: ConversationId | undefined): void {
  if (conversation === undefined) return;
  const head = client.conversations.get(conversation)?.events.length ?? 0;
  about(client, conversation, { type: "receipt.read", seq: Math.max(0, head - (random.isTrue(0.7) ? 0 : random.integer(0, 5))) });
}

function typing({ random }: SimulatedWorld, { client }: Device, conversation: ConversationId | undefined): void {
  about(client, conversation, { type: random.isTrue(0.5) ? "typing.start" : "typing.stop" });
}

function page({ random }: SimulatedWorld, { client }: Device, conversation: ConversationId | undefined): void {
  about(client, conversation, { type: "history.get", before: random.integer(1, 50), limit: random.integer(1, 20) });
}

function create({ random, users }: SimulatedWorld, { client, user }: Device): void {
  const members = users.filter((other) => other !== user && random.isTrue(0.6));
  client.ask({
    type: "conversation.create",
    title: `room ${random.integer(1, 99)}`,
    members,
    ...(random.isTrue(0.5) ? { clientId: `g-${random.integer(1, 1_000_000)}` } : {}),
  });
}

function promote({ random, users }: SimulatedWorld, { client }: Device, conversation: ConversationId | undefined): void {
  about(client, conversation, { type: "member.update", user: random.pick(users), role: random.pick(["owner", "admin", "member"]) });
}

/** Asks for what may be somebody else's. */
function trespass({ random, knownConversations }: SimulatedWorld, { client }: Device): void {
  if (knownConversations.size === 0) return;
  const conversation = random.pick([...knownConversations]);
  client.ask(random.pick([{ type: "history.get" }, { type: "conversation.get" }, { type: "member.list" }].map((command) => ({ ...command, conversation }))));
}
