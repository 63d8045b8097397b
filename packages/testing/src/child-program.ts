/** Clients in a process of their own, a load generator say, asked over IPC: one question at a time, one answer each. */
import { fork, type ChildProcess } from "node:child_process";

export class ChildProgram<Question extends object, Answer extends object> implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  constructor(program: URL, argument: object) {
    this.#child = fork(program, [JSON.stringify(argument)], { execArgv: ["--import", "tsx", "--conditions=suda-source"] });
    this.pid = this.#child.pid as number;
  }

  /** @throws Error when the child ends instead of answering */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error("The child process ended before it answered; its output says why."));
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer as Answer);
      });
      this.#child.send(question);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
  }
}

/** The child's side: its argument, and answers to what it is asked. A throw ends it, and so does the end of the parent. */
export function answerParent(answer: (question: unknown) => Promise<object>): void {
  process.once("disconnect", () => process.exit(1));
  process.on("message", (question) => {
    answer(question).then(
      (reply) => process.send?.(reply),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

export function childArgument(): unknown {
  return JSON.parse(process.argv[2] ?? "{}");
}
