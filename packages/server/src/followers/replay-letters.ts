/** Dead letters of one owner, tried once more because somebody asks for it: the oldest first, until one fails. */
import type { Clock } from "@suda/protocol";
import type { DeadLetter, DeadLetters } from "./dead-letters.ts";

/** How long a replay goes on, and how many letters it takes. Whoever has more asks again. */
const replayMs = 10_000;
const replayMax = 100;

export interface LettersReplayed<Replay> {
  readonly delivered: number;
  readonly gone: number;
  readonly left: number;
  readonly failed?: Replay;
}

export interface ReplayLettersOptions<Replay> {
  readonly clock: Clock;
  readonly deadLetters: DeadLetters;
  readonly owner: string;
  /** One attempt. It deletes the letter unless it failed. */
  readonly replay: (letter: DeadLetter) => Promise<Replay>;
}

export async function replayLetters<Replay extends { readonly outcome: "delivered" | "gone" | "failed" }>({
  clock,
  deadLetters,
  owner,
  replay,
}: ReplayLettersOptions<Replay>): Promise<LettersReplayed<Replay>> {
  const until = clock.monotonicMs() + replayMs;
  let delivered = 0;
  let gone = 0;
  let failed: Replay | undefined;
  for (const letter of await deadLetters.list(owner, undefined, replayMax)) {
    const replayed = await replay(letter);
    if (replayed.outcome === "delivered") delivered++;
    else if (replayed.outcome === "gone") gone++;
    else failed = replayed;
    if (failed !== undefined || clock.monotonicMs() >= until) break;
  }
  return { delivered, gone, left: await deadLetters.recount(owner), ...(failed === undefined ? {} : { failed }) };
}
