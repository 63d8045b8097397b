/** `npm run test:faults -- storm`: all kinds, or those that are named. With `--save` the reports go into bench/results/storm.json, from which docs/OPERATIONS.md has its table. */
import { saveRun } from "./save-run.ts";
import { describeStorm, runStorm, stormKinds, type StormKind, type StormOptions, type StormReport } from "./storm.ts";

export interface StormCommand extends Omit<StormOptions, "kinds"> {
  /** Names; all when there is none. */
  readonly kinds: readonly string[];
  readonly isSaved: boolean;
}

/** @returns whether all were resumed exactly @throws RangeError for a kind that there is not */
export async function runStormCommand({ kinds: names, isSaved, ...options }: StormCommand): Promise<boolean> {
  const all = Object.keys(stormKinds) as StormKind[];
  const unknown = names.find((name) => !Object.hasOwn(stormKinds, name));
  if (unknown !== undefined) throw new RangeError(`There is no kind ${unknown}; there are ${all.join(", ")}.`);
  const kinds = names.length === 0 ? all : (names as readonly StormKind[]);
  const onReport = (report: StormReport): void => {
    for (const line of describeStorm(report)) console.log(line);
    if (isSaved) save(report);
  };
  const reports = await runStorm({ ...options, kinds, onReport });
  return reports.every(({ found }) => found.length === 0);
}

function save(report: StormReport): void {
  const places = Object.keys(stormKinds);
  saveRun(report, { name: "storm", keyOf: ({ kind }) => kind, compare: (one, other) => places.indexOf(one.kind) - places.indexOf(other.kind) });
}
