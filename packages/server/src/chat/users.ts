/** Profiles. The host keeps its own users; Suda keeps a name, an avatar and custom data for showing them. */
import { SudaError, type CommandOf, type User, type UserId } from "@suda/protocol";
import type { UserPatch } from "../store/store.ts";
import type { Actor, ChatContext } from "./context.ts";
import { viewUser } from "./view.ts";

export type ProfilePatch = Omit<CommandOf<"user.update">, "type" | "ref">;

/** @throws SudaError user.not_found */
export async function getUser({ store }: ChatContext, id: UserId): Promise<User> {
  const [user] = await store.users.getMany([id]);
  if (user === undefined) throw new SudaError("user.not_found");
  return viewUser(user);
}

export interface Caller {
  readonly user: UserId;
  readonly isBackend: boolean;
  /** The user's token says that it is a bot. */
  readonly isSignedBot: boolean;
}

/** Who asks in the name of a user, with what its record says of it. A token that says so makes the user a bot (A8). */
export async function actorFor({ store, clock }: ChatContext, { user, isBackend, isSignedBot }: Caller): Promise<Actor> {
  const [record] = await store.users.getMany([user]);
  const isBot = record?.bot === true;
  if (isSignedBot && !isBot) await store.users.update(user, { bot: true }, clock.now());
  return { user, isBackend, isBot: isBot || isSignedBot };
}

/** One's own profile, or anybody's for the backend. @throws SudaError auth.forbidden */
export async function updateUser({ store, clock }: ChatContext, actor: Actor, id: UserId, patch: ProfilePatch & Pick<UserPatch, "bot">): Promise<User> {
  if (actor.user !== id && !actor.isBackend) throw new SudaError("auth.forbidden", "Only the user, or the host's backend, changes a profile.");
  return viewUser(await store.users.update(id, patch, clock.now()));
}
