/**
 * Tables of the store, and their version. Made by `initCassandraStore` (`suda store init`), never by opening: two nodes that
 * start at once must not both create tables.
 *
 * Which cells are written how, and never otherwise:
 * - by lightweight transactions alone: `conversations`, `creations`, `memberships`, `users`, `documents`;
 * - with the conversation's version as the timestamp: `log_entries`, `reactions`, `hides`, `hide_counts`, `members`, `send_keys`,
 *   `listings`, `settled`.
 * Nothing is ordered by a clock, there are no counters, no secondary indices and no materialised views.
 *
 * Partitions: a bucket holds {@link bucketSeqs} seqs of a conversation, so that none grows without end; a key has a partition of its own;
 * members of a group lie together (`maxMembers`), a user's memberships too.
 */
export const bucketSeqs = 1_024;
export const bucketOf = (seq: number): number => Math.floor((seq - 1) / bucketSeqs);

/** Parts of each list, and of each collection of documents: a page is merged from all of them. */
export const listShards = 16;

export const schemaVersion = 1;

export interface Migration {
  /** The version that it makes. */
  readonly version: number;
  /** Each may be run again after it was run, wholly or not. */
  readonly statements: readonly string[];
}

export const versionTable = "CREATE TABLE IF NOT EXISTS suda_schema (name text PRIMARY KEY, version int, target int)";

export const migrations: readonly Migration[] = [
  {
    version: 1,
    statements: [
      "CREATE TABLE IF NOT EXISTS conversations (id text PRIMARY KEY, version bigint, base blob, tail blob, journal blob)",
      "CREATE TABLE IF NOT EXISTS creations (user text, client_id text, conversation text, PRIMARY KEY ((user, client_id)))",
      "CREATE TABLE IF NOT EXISTS log_entries (conversation text, bucket int, seq int, entry blob, annotation blob, PRIMARY KEY ((conversation, bucket), seq))",
      "CREATE TABLE IF NOT EXISTS reactions (conversation text, bucket int, target int, user text, emoji text, mark blob, PRIMARY KEY ((conversation, bucket), target, user, emoji))",
      "CREATE TABLE IF NOT EXISTS hides (conversation text, bucket int, target int, user text, mark blob, PRIMARY KEY ((conversation, bucket), target, user))",
      "CREATE TABLE IF NOT EXISTS hide_counts (conversation text, user text, record blob, PRIMARY KEY ((conversation, user)))",
      "CREATE TABLE IF NOT EXISTS members (conversation text, user text, record blob, PRIMARY KEY (conversation, user))",
      "CREATE TABLE IF NOT EXISTS send_keys (conversation text, sender text, client_id text, record blob, PRIMARY KEY ((conversation, sender, client_id)))",
      "CREATE TABLE IF NOT EXISTS listings (list text, shard int, sort_key text, mark blob, PRIMARY KEY ((list, shard), sort_key))",
      "CREATE TABLE IF NOT EXISTS settled (conversation text PRIMARY KEY, version bigint)",
      "CREATE TABLE IF NOT EXISTS memberships (user text, conversation text, change bigint static, state text, moved bigint, stamp bigint, PRIMARY KEY (user, conversation))",
      "CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, version bigint, record blob)",
      "CREATE TABLE IF NOT EXISTS documents (collection text, shard int, key text, version bigint, write_id text, json text, PRIMARY KEY ((collection, shard), key))",
    ],
  },
];
