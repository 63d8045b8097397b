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

/** Who asks in the name of a user, with what its record says of it. */
export async function actorFor({ store }: ChatContext, user: UserId, isBackend: boolean): Promise<Actor> {
  const [record] = await store.users.getMany([user]);
  return { user, isBackend, isBot: record?.bot === true };
}

/** One's own profile, or anybody's for the backend. @throws SudaError auth.forbidden */
export async function updateUser({ store, clock }: ChatContext, actor: Actor, id: UserId, patch: ProfilePatch & Pick<UserPatch, "bot">): Promise<User> {
  if (actor.user !== id && !actor.isBackend) throw new SudaError("auth.forbidden", "Only the user, or the host's backend, changes a profile.");
  return viewUser(await store.users.update(id, patch, clock.now()));
}
