/** Reads what `strace -f -ttt -y` wrote: each system call with where it began and where it returned in the file. */

export interface SystemCall {
  readonly name: string;
  /** All that strace wrote of it, both halves joined. */
  readonly text: string;
  /** Line number at which it began, and at which it returned; strace writes in the order of time. */
  readonly begin: number;
  readonly end: number;
}

/** Calls that returned, by their end. */
export function parseStrace(output: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { readonly name: string; readonly text: string; readonly begin: number }>();
  for (const [line, content] of output.split("\n").entries()) {
    const match = /^(?:\[pid +)?(\d+)\]? +[\d.]+ (.*)$/.exec(content);
    if (match === null) continue;
    const [, pid = "", text = ""] = match;
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(text);
    if (resumed !== null) {
      const first = unfinished.get(pid);
      unfinished.delete(pid);
      // A call that had begun before strace came has no first half: it began before everything.
      calls.push({ name: resumed[1] ?? "", text: (first?.text ?? "") + (resumed[2] ?? ""), begin: first?.begin ?? -1, end: line });
      continue;
    }
    const name = /^(\w+)\(/.exec(text)?.[1];
    if (name === undefined) continue;
    if (text.endsWith("<unfinished ...>")) unfinished.set(pid, { name, text, begin: line });
    else calls.push({ name, text, begin: line, end: line });
  }
  return calls;
}
