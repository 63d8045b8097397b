/** Rules of actions that no schema can say: ids are unique, and times fit their mode. */
import type { DatetimeAction } from "./actions.ts";
import type { PlacedAction } from "./find-action.ts";
import { isLocalTime, localTimeExamples } from "./local-time.ts";
import { fault, type MessageFault } from "./message-fault.ts";

/** @param taken ids that none of them may have, with who has them */
export function checkActions(actions: Iterable<PlacedAction>, taken: ReadonlyMap<string, string> = new Map()): MessageFault | undefined {
  const owners = new Map<string, string>(taken);
  for (const { path, action } of actions) {
    const owner = owners.get(action.id);
    if (owner !== undefined) return fault(`${path}/id`, `is the id of ${owner} already; give every action an id of its own`);
    owners.set(action.id, path);
    const found = action.type === "datetime" ? checkDatetime(action, path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkDatetime({ mode, min, max, initial }: DatetimeAction, path: string): MessageFault | undefined {
  for (const [name, value] of Object.entries({ min, max, initial }))
    if (value !== undefined && !isLocalTime(mode, value)) return fault(`${path}/${name}`, `must be a ${mode} that exists, like ${localTimeExamples[mode]}`);
  // All of one mode sort as texts.
  if (min !== undefined && max !== undefined && min > max) return fault(`${path}/max`, "is before min; exchange them");
  if (initial !== undefined && min !== undefined && initial < min) return fault(`${path}/initial`, "is before min; choose one from min to max");
  if (initial !== undefined && max !== undefined && initial > max) return fault(`${path}/initial`, "is after max; choose one from min to max");
  return undefined;
}
