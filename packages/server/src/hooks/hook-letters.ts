/** What the hook after a commit did not take in 72 hours: seen, told once more, forgotten. Rule W16. */
import { SudaError, type Clock, type DeadLetter } from "@suda/protocol";
import type { Replay } from "../chat/bot-webhooks.ts";
import type { CommitLetters } from "../chat/commit-letters.ts";
import type { DeadLetters } from "../followers/dead-letters.ts";
import { replayLetters, type LettersReplayed } from "../followers/replay-letters.ts";
import { afterCommitOwner as owner, type AfterCommitHook } from "./after-commit.ts";

export interface HookLettersOptions {
  readonly clock: Clock;
  readonly deadLetters: DeadLetters;
  /** Absent: none is configured, so that nothing can be told. */
  readonly hook: AfterCommitHook | undefined;
}

export class HookLetters implements CommitLetters {
  readonly #options: HookLettersOptions;

  constructor(options: HookLettersOptions) {
    this.#options = options;
  }

  list({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]> {
    return this.#options.deadLetters.list(owner, after, limit);
  }

  async replay(id: string): Promise<Replay> {
    const hook = this.#hook();
    const letter = await this.#options.deadLetters.get(owner, id);
    if (letter === undefined) throw new SudaError("dead_letter.not_found");
    return this.#tell(hook, letter);
  }

  async replayAll(): Promise<LettersReplayed<Replay>> {
    const { clock, deadLetters } = this.#options;
    const hook = this.#hook();
    return replayLetters({ clock, deadLetters, owner, replay: (letter) => this.#tell(hook, letter) });
  }

  async delete(id: string): Promise<void> {
    if (!(await this.#options.deadLetters.delete(owner, id))) throw new SudaError("dead_letter.not_found");
  }

  deleteAll(): Promise<number> {
    return this.#options.deadLetters.deleteAll(owner);
  }

  async #tell(hook: AfterCommitHook, { id, conversation, seq }: DeadLetter): Promise<Replay> {
    const replay = await hook.tellAgain(conversation, seq);
    if (replay.outcome !== "failed") await this.#options.deadLetters.delete(owner, id);
    return replay;
  }

  #hook(): AfterCommitHook {
    if (this.#options.hook === undefined) throw new SudaError("hook.not_found");
    return this.#options.hook;
  }
}
