/** Names of the users that are mentioned, asked for once each. */
import { ClientClosed, ConnectionLost, RequestRefused, type SudaClient } from "@suda/client";
import type { LogEvent, User, UserId } from "@suda/protocol";
import { safeLine } from "./text-safety.ts";

export interface PeopleOptions {
  readonly client: SudaClient;
  readonly onChange: () => void;
}

export class People {
  readonly #options: PeopleOptions;
  readonly #users = new Map<UserId, User>();
  readonly #learning = new Set<Promise<void>>();

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  get all(): readonly User[] {
    return [...this.#users.values()];
  }

  get(id: UserId): User | undefined {
    return this.#users.get(id);
  }

  nameOf(id: UserId): string {
    const name = this.#users.get(id)?.name;
    return name === undefined ? id : safeLine(name);
  }

  /** `이름 (id)`, or the id alone. */
  labelOf(id: UserId): string {
    const name = this.nameOf(id);
    return name === id ? id : `${name} (${id})`;
  }

  put(user: User): void {
    this.#users.set(user.id, user);
    this.#options.onChange();
  }

  /** Asks for those that are not known. */
  learn(ids: Iterable<UserId>): void {
    for (const id of new Set(ids)) {
      if (this.#users.has(id)) continue;
      this.#users.set(id, { id });
      const learning = this.#learn(id).finally(() => this.#learning.delete(learning));
      this.#learning.add(learning);
    }
  }

  /** Resolves when all who were mentioned so far are known, or cannot be now. */
  async learned(): Promise<void> {
    while (this.#learning.size > 0) await Promise.all(this.#learning);
  }

  async #learn(id: UserId): Promise<void> {
    try {
      const { user } = await this.#options.client.request("user.get", { user: id });
      this.put(user);
    } catch (error) {
      if (!(error instanceof ConnectionLost || error instanceof RequestRefused || error instanceof ClientClosed)) throw error;
      // Asked again when next mentioned.
      this.#users.delete(id);
    }
  }
}

/** Whom an event names. */
export function usersOf(event: LogEvent): readonly UserId[] {
  if (event.type === "member.added") return [event.from, ...event.users];
  return event.type === "member.removed" || event.type === "member.updated" ? [event.from, event.user] : [event.from];
}
