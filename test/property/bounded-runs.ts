/** How a property of this folder is run: with the error in the report, beside seed and path, and not for longer than a minute, shrinking included. */
export function boundedRuns(numRuns: number): { numRuns: number; includeErrorInReport: true; interruptAfterTimeLimit: number } {
  return { numRuns, includeErrorInReport: true, interruptAfterTimeLimit: 60_000 };
}
