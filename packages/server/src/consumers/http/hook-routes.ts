/** What the product's hook after a commit did not take, over HTTP: for the backend. */
import { Closed, CountSchema } from "@suda/protocol";
import { route, type Route } from "./http-route.ts";
import { DeadLetterIdSchema, lettersReply, pageOfLetters, ReplayedAllSchema, ReplayedSchema } from "./dead-letter-fields.ts";

const ofLetter = Closed({ letter: DeadLetterIdSchema });

export const hookRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/hooks/after-commit/dead-letters",
    name: "listHookDeadLetters",
    summary: "Events that the hook after a commit did not take in 72 hours, oldest first, after the id `after`",
    caller: "backend",
    query: pageOfLetters,
    reply: lettersReply,
    run: async ({ context, query: { after, limit = 50 } }) => ({
      deadLetters: await context.commitLetters.list({ limit, ...(after === undefined ? {} : { after }) }),
    }),
  }),
  route({
    method: "POST",
    path: "/v1/hooks/after-commit/dead-letters/:letter/replay",
    name: "replayHookDeadLetter",
    summary: "Tells the hook of a dead letter's event once more, now. The letter is deleted unless that fails.",
    caller: "backend",
    params: ofLetter,
    reply: ReplayedSchema,
    run: ({ context, params }) => context.commitLetters.replay(params.letter),
  }),
  route({
    method: "POST",
    path: "/v1/hooks/after-commit/dead-letters/replay",
    name: "replayHookDeadLetters",
    summary: "Tells the hook of dead letters' events, oldest first, until one fails, a hundred are done or ten seconds have passed",
    caller: "backend",
    reply: ReplayedAllSchema,
    run: ({ context }) => context.commitLetters.replayAll(),
  }),
  route({
    method: "DELETE",
    path: "/v1/hooks/after-commit/dead-letters/:letter",
    name: "deleteHookDeadLetter",
    summary: "Deletes a dead letter of the hook",
    caller: "backend",
    params: ofLetter,
    reply: Closed({}),
    run: async ({ context, params }) => {
      await context.commitLetters.delete(params.letter);
      return {};
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/hooks/after-commit/dead-letters",
    name: "deleteHookDeadLetters",
    summary: "Deletes all dead letters of the hook",
    caller: "backend",
    reply: Closed({ deleted: CountSchema }),
    run: async ({ context }) => ({ deleted: await context.commitLetters.deleteAll() }),
  }),
];
