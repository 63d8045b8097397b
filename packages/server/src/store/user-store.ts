/** The part of the store's contract that is about profiles: rule S13 of docs/contracts/store.md. */
import type { CustomData, UserId } from "@suda/protocol";

export interface UserRecord {
  readonly id: UserId;
  readonly createdAt: number;
  readonly name?: string;
  readonly avatar?: string;
  readonly bot?: true;
  readonly data?: CustomData;
}

/** Absent fields stay, `null` removes. */
export interface UserPatch {
  readonly name?: string | null;
  readonly avatar?: string | null;
  readonly bot?: true | null;
  readonly data?: CustomData | null;
}

export interface UserStore {
  /** In the order asked for; absent ones are left out. */
  getMany(ids: readonly UserId[]): Promise<readonly UserRecord[]>;
  /** Creates those that do not exist yet: a user exists the first time it is named (S13). */
  ensure(ids: readonly UserId[], at: number): Promise<void>;
  /** Creates or changes; returns the whole record, durable. */
  update(id: UserId, patch: UserPatch, at: number): Promise<UserRecord>;
}
