/** What users of a simulated world do: weighted as a busy team would, with some who try what they may not. */
import type { ConversationId, LogEvent } from "@suda/protocol";
import type { SimulatedDevice } from "./simulated-device.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

type Act = (world: SimulatedWorld, device: SimulatedDevice) => void;
type ActInRoom = (world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId) => void;

const weighted: readonly (readonly [weight: number, act: Act])[] = [
  [32, inRoom((world, device, id) => say(world, device, id, 1))],
  // Pipelined, so that the order within a connection is tested.
  [6, inRoom((world, device, id) => say(world, device, id, world.random.integer(2, 12)))],
  [6, inRoom(reply)],
  [4, inRoom(({ random }, device, id) => device.reconsider(id, random.isTrue(0.5)))],
  [12, inRoom(edit)],
  [4, inRoom(offer)],
  [24, inRoom(tap)],
  [7, inRoom(about("message.delete", 0.8))],
  [14, inRoom(react)],
  [4, inGroup(about("pin.add", 0.4))],
  [2, inRoom(about("pin.add", 0.4))],
  [3, inGroup(unpin)],
  [9, inRoom(read)],
  [4, inRoom(typing)],
  [2, inRoom(ownSide)],
  [2, inRoom(about("message.hide", 0.3))],
  [3, inRoom((_world, device, id) => device.attempt(() => device.room(id)?.loadOlder() ?? Promise.resolve()))],
  [3, inRoom((_world, device, id) => device.lookAway(id))],
  [2, inRoom(page)],
  [5, ({ random, users }, device) => device.attempt((client) => client.openDirect(random.pick(users)))],
  [3, create],
  [6, inGroup((world, device, conversation) => device.ask({ type: "member.add", conversation, users: [world.random.pick(world.users)] }))],
  [4, inGroup((world, device, conversation) => device.ask({ type: "member.remove", conversation, user: world.random.pick(world.users) }))],
  [2, inRoom((_world, device, conversation) => device.ask({ type: "member.leave", conversation }))],
  [3, inGroup((world, device, conversation) => device.ask({ type: "conversation.update", conversation, title: `title ${world.random.integer(1, 99)}` }))],
  [4, inGroup(promote)],
  [3, inGroup(changeControl)],
  [4, trespass],
  // As a page does when it comes to the front.
  [5, (_world, device) => device.client?.retryNow()],
];
const totalWeight = weighted.reduce((sum, [weight]) => sum + weight, 0);

export function act(world: SimulatedWorld, device: SimulatedDevice): void {
  let dice = world.random.float() * totalWeight;
  for (const [weight, action] of weighted) {
    dice -= weight;
    if (dice < 0) return action(world, device);
  }
}

/** In one of those that the device shows, rather a busy one; nothing when there is none. */
function inRoom(action: ActInRoom): Act {
  return (world, device) => {
    const { known } = device;
    for (const id of known) world.knownConversations.add(id);
    const conversation = known[Math.floor(world.random.float() ** 2 * known.length)];
    if (conversation !== undefined) action(world, device, conversation);
  };
}

/** In a group that the user may manage; who manages none tries it now and then in another. */
function inGroup(action: ActInRoom): Act {
  return (world, device) => {
    const { conversations = [] } = device.client?.conversations.getSnapshot() ?? {};
    const groups = conversations.filter(({ kind }) => kind === "group");
    const managed = groups.filter(({ role }) => role !== "member");
    const choices = managed.length > 0 || world.random.isTrue(0.5) ? managed : groups;
    if (choices.length > 0) action(world, device, world.random.pick(choices).id);
  };
}

function textOf({ random }: SimulatedWorld, { name }: SimulatedDevice): string {
  return `${name} says ${random.integer(1, 1_000_000)} 안녕 👋`.repeat(random.isTrue(0.05) ? 30 : 1);
}

function say(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId, count: number): void {
  for (let i = 0; i < count; i++) device.say(conversation, textOf(world, device));
}

function reply(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  device.say(conversation, textOf(world, device), someMessage(world, device, conversation)?.seq ?? 1);
}

/** One of the newest messages that the device shows. */
function someMessage({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId, isOwn = false): LogEvent | undefined {
  const messages = (device.room(conversation)?.getSnapshot().events ?? [])
    .slice(-15)
    .filter(({ type, from }) => type === "message.created" && (!isOwn || from === device.user));
  return messages.length === 0 ? undefined : random.pick(messages);
}

const buttons = [
  { type: "postback", id: "more", label: "More", data: { about: "more" }, displayText: "More, please" },
  { type: "postback", id: "take", label: "Take", once: true },
  { type: "datetime", id: "when", label: "When?", mode: "time", data: "when" },
  { type: "share", id: "share", label: "Share" },
];
const quickReplies = ["yes", "no"].map((id) => ({ action: { type: "postback", id, label: id, data: id } }));

function offer(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const { random } = world;
  const content = { type: "card", text: textOf(world, device).slice(0, 500), buttons };
  const beside = { altText: "a card", ...(random.isTrue(0.6) ? { quickReplies } : {}) };
  device.ask({ type: "message.send", conversation, clientId: `offer-${random.integer(1, 1_000_000_000)}`, content, ...beside }, true);
}

/** What is offered, now and then something that is not, or in a message of one's own. */
function tap(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const { random } = world;
  const room = device.room(conversation);
  const offers = (room?.getSnapshot().messages ?? []).flatMap((one) => ("seq" in one && one.content.type === "card" ? [one.seq] : []));
  if (room === undefined || offers.length === 0) return;
  const target = random.pick(offers);
  const action = random.pick(["more", "take", "take", "when", "share", "yes", "yes", "no", "nothing"]);
  const value = action === "when" ? `0${random.integer(0, 9)}:30` : undefined;
  device.pressed.push({ conversation, target, action });
  if (random.isTrue(0.5)) return device.attempt(() => room.tap(target, action, value));
  const clientId = `tap-${random.integer(1, 1_000_000_000)}`;
  device.ask({ type: "interaction.tap", conversation, target, action, clientId, ...(value === undefined ? {} : { value }) }, random.isTrue(0.6));
}

/** With a clientId it may be asked again until there is an answer; with `rev` only one of two editors wins. */
function edit(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const { random } = world;
  const message = someMessage(world, device, conversation, random.isTrue(0.9));
  if (message?.type !== "message.created") return;
  const text = `${textOf(world, device).slice(0, 500)} (edited)`;
  // What is offered stays, or goes with the edit.
  const content = message.content.type === "card" ? { type: "card", text, buttons: buttons.slice(random.integer(0, 1)) } : { type: "text", text };
  const command = { type: "message.edit", conversation, target: message.seq, content };
  const rev = random.isTrue(0.5) ? { rev: message.edited?.rev ?? 0 } : {};
  const isRetried = random.isTrue(0.6);
  device.ask({ ...command, ...rev, ...(isRetried ? { clientId: `edit-${random.integer(1, 1_000_000_000)}` } : {}) }, isRetried);
}

/** @param ownShare how often it is one's own message */
function about(type: string, ownShare: number): ActInRoom {
  return (world, device, conversation) => {
    const message = someMessage(world, device, conversation, world.random.isTrue(ownShare));
    if (message !== undefined) device.ask({ type, conversation, target: message.seq });
  };
}

/** Rather takes one's own reaction back, when the device shows any. */
function react(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const { random } = world;
  const events = device.room(conversation)?.getSnapshot().events ?? [];
  const mine = events.flatMap((event) =>
    event.type === "message.created" ? (event.reactions ?? []).flatMap((one) => (one.mine === true ? [{ target: event.seq, emoji: one.emoji }] : [])) : [],
  );
  if (mine.length > 0 && random.isTrue(0.4)) return device.ask({ type: "reaction.remove", conversation, ...random.pick(mine) });
  const message = someMessage(world, device, conversation);
  const type = random.isTrue(0.95) ? "reaction.add" : "reaction.remove";
  if (message !== undefined) device.ask({ type, conversation, target: message.seq, emoji: random.pick(["👍", "❤️", "😂"]) });
}

function unpin(world: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const pins = device.room(conversation)?.getSnapshot().record?.pins ?? [];
  device.ask({ type: "pin.remove", conversation, target: pins.length > 0 ? world.random.pick(pins) : world.random.integer(1, 20) });
}

function read({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const room = device.room(conversation);
  const head = room?.getSnapshot().record?.head ?? 0;
  room?.markRead(Math.max(0, head - (random.isTrue(0.7) ? 0 : random.integer(0, 5))));
}

/** What a member sets for themself. */
function ownSide({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  device.ask({ type: random.pick(["conversation.mute", "conversation.unmute", "conversation.hide", "conversation.show", "receipt.unread"]), conversation });
}

function typing({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  if (random.isTrue(0.5)) device.room(conversation)?.startTyping();
  else device.room(conversation)?.stopTyping();
}

function page({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  device.ask({ type: "history.get", conversation, before: random.integer(1, 50), limit: random.integer(1, 20) });
}

function create({ random, users }: SimulatedWorld, device: SimulatedDevice): void {
  const members = users.filter((other) => other !== device.user && random.isTrue(0.6));
  const title = `room ${random.integer(1, 99)}`;
  device.attempt((client) => client.createGroup({ title, members }));
}

function promote({ random, users }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  device.ask({ type: "member.update", conversation, user: random.pick(users), role: random.pick(["owner", "admin", "member"]) });
}

/** There is no bot among them; who is in charge is told to all the same. */
function changeControl({ random }: SimulatedWorld, device: SimulatedDevice, conversation: ConversationId): void {
  const type = random.pick(["control.handoff", "control.take", "control.return"]);
  device.ask({ type, conversation, ...(type === "control.take" ? { leaseMs: 60_000 } : {}) });
}

/** Asks for what may be somebody else's. */
function trespass({ random, knownConversations }: SimulatedWorld, device: SimulatedDevice): void {
  if (knownConversations.size === 0) return;
  const conversation = random.pick([...knownConversations]);
  const target = random.integer(1, 30);
  device.ask({
    conversation,
    ...random.pick([
      { type: "history.get" },
      { type: "conversation.get" },
      { type: "member.list" },
      { type: "message.delete", target },
      { type: "reaction.add", target, emoji: "👀" },
      { type: "pin.add", target },
      { type: "control.take" },
    ]),
  });
}
