import { isConversationId, type UserId } from "@suda/protocol";
import { exportConversation, exportUser, type ExportLine } from "@suda/server";
import type { Store } from "@suda/server/store";
import type { CommandDef } from "citty";
import { CommandError } from "../command-error.ts";
import { checkUserId } from "../data-directory/sign-token.ts";
import { writeLines } from "../export/write-lines.ts";
import { storeSettings } from "../server/cassandra.ts";
import { openStoreToRead } from "../server/open-store.ts";
import { loadConfigOf, settingArguments } from "./setting-arguments.ts";

const names = storeSettings;

/** `suda export --user ID`, `suda export --conversation ID`: while the server runs. */
export const exportCommand: CommandDef = {
  meta: { name: "export", description: "Writes everything the store holds of a user, or a whole conversation, as lines of JSON, while the server goes on" },
  args: {
    user: { type: "string", valueHint: "id", description: "Whose data" },
    conversation: { type: "string", valueHint: "id", description: "Or which conversation: all of it, with everybody's messages" },
    "own-only": { type: "boolean", description: "With --user: leave out what others wrote" },
    to: { type: "string", valueHint: "file", description: "A new file; without it standard output" },
    ...settingArguments(names),
  },
  async run({ args }) {
    const { config } = loadConfigOf(args, names);
    const text = (name: string): string | undefined => (typeof args[name] === "string" ? args[name] : undefined);
    const [user, conversation] = [text("user"), text("conversation")];
    if ((user === undefined) === (conversation === undefined))
      throw new CommandError("usage", "suda export needs either --user or --conversation", "suda export --user alice");
    if (user !== undefined) checkUserId(user);
    if (conversation !== undefined && !isConversationId(conversation))
      throw new CommandError("usage", `${JSON.stringify(conversation)} is not a conversation id`, "suda export --user ID tells which ones a user has");
    await using store = await openStoreToRead(config);
    await writeLines(user === undefined ? ofConversation(store, conversation ?? "") : ofUser(store, user, args["own-only"] !== true), text("to"));
  },
};

async function* ofUser(store: Store, id: string, othersEvents: boolean): AsyncGenerator<ExportLine> {
  const user = id as UserId;
  const [profile] = await store.users.getMany([user]);
  // Before the first line: an export of nobody is a mistake in the id, and must not look like an answer.
  if (profile === undefined && (await store.conversations.memberships(user)).memberships.length === 0)
    throw new CommandError("data.unusable", `the store holds nothing of ${id}`, "Check the id: it is your product's own, as in users' tokens");
  yield* exportUser(store, { user, at: Date.now(), othersEvents });
}

async function* ofConversation(store: Store, id: string): AsyncGenerator<ExportLine> {
  if (!isConversationId(id) || (await store.conversations.get(id)) === undefined)
    throw new CommandError("data.unusable", `the store has no conversation ${id}`, "suda export --user ID tells which ones a user has");
  yield* exportConversation(store, { conversation: id, at: Date.now() });
}
