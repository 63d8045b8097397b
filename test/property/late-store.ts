/** A store whose reads arrive a few turns late, so that what happens meanwhile happens in between. Writes take effect as they were called. */
import type { Store } from "@suda/server/store";
import type { SeededRandom } from "@suda/testing";

const maxTurns = 3;

export function lateStore(store: Store, random: SeededRandom): Store {
  const late =
    <Given extends readonly unknown[], Result>(read: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      const result = await read(...given);
      for (let turns = random.integer(0, maxTurns); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      return result;
    };
  const { log, conversations, users, documents } = store;
  return {
    log: {
      ...log,
      readAfter: late((...given) => log.readAfter(...given)),
      readBefore: late((...given) => log.readBefore(...given)),
      reactedBy: late((...given) => log.reactedBy(...given)),
    },
    conversations: {
      ...conversations,
      get: late((...given) => conversations.get(...given)),
      getMany: late((...given) => conversations.getMany(...given)),
      member: late((...given) => conversations.member(...given)),
      members: late((...given) => conversations.members(...given)),
      memberships: late((...given) => conversations.memberships(...given)),
      membership: late((...given) => conversations.membership(...given)),
      change: late((...given) => conversations.change(...given)),
    },
    users: { ...users, getMany: late((...given) => users.getMany(...given)) },
    documents: { ...documents, get: late((...given) => documents.get(...given)), list: late((...given) => documents.list(...given)) },
    status: () => store.status(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
