/** What a variable of a stored template can be. */
import { codePointLength } from "../code-points.ts";
import { templateLimits } from "../limits.ts";
import { UrlSchema } from "../scalars.ts";
import { createValidator } from "../validator.ts";
import { isLocalTime, localTimeExamples } from "./local-time.ts";
import type { Variable } from "./stored-template.ts";

const urlValidator = createValidator<string>(UrlSchema);

/** What is wrong with the value, as the end of a sentence; `undefined` when it is one of the variable's. */
export function variableProblem(
  { type, maxLength = templateLimits.variableDefaultLength }: Pick<Variable, "type" | "maxLength">,
  value: unknown,
): string | undefined {
  switch (type) {
    case "string":
      if (typeof value !== "string" || !value.isWellFormed()) return "must be a text";
      return codePointLength(value) > maxLength ? `is too long; at most ${maxLength} characters` : undefined;
    case "integer":
      return Number.isSafeInteger(value) ? undefined : "must be a whole number";
    case "number":
      return Number.isFinite(value) ? undefined : "must be a number";
    case "url":
      return urlValidator.is(value) ? undefined : "must be an https URL of at most 2,000 characters";
    case "date":
    case "time":
    case "datetime":
      return typeof value === "string" && isLocalTime(type, value) ? undefined : `must be a ${type} that exists, like ${localTimeExamples[type]}`;
    case "timestamp":
      return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : "must be milliseconds since 1970";
  }
}
