/** What a user put into a form, held against its fields. */
import { codePointLength } from "../code-points.ts";
import { templateLimits } from "../limits.ts";
import type { FormContent, FormField } from "./form.ts";
import { isLocalTime, localTimeExamples } from "./local-time.ts";
import { fault, type MessageFault } from "./message-fault.ts";

/** By field id: a text, a number, the values of chosen options, or whether it is ticked. */
export type FormValue = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Linear: no part can match what another one can. */
const emailExpression = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/;

export function isEmail(value: unknown): boolean {
  return typeof value === "string" && codePointLength(value) <= templateLimits.emailMaxLength && emailExpression.test(value);
}

/**
 * One fault for each field that is wrong, in the form's order, with the field's id as path; empty when all is well.
 * A field that is not required may be left out. An empty text, and nothing chosen, count as left out.
 */
export function checkFormValue(form: FormContent, value: unknown): readonly MessageFault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [{ path: "", message: "The value of a form is an object with the fields' ids." }];
  const given = value as Readonly<Record<string, unknown>>;
  const faults = form.fields.flatMap((field) => {
    const rest = problemOf(field, Object.hasOwn(given, field.id) ? given[field.id] : undefined);
    return rest === undefined ? [] : [fault(pathOf(field.id), rest)];
  });
  const known = new Set(form.fields.map(({ id }) => id));
  const unknown = Object.keys(given).find((key) => !known.has(key));
  return unknown === undefined ? faults : [...faults, fault(pathOf(unknown), "is not a field of this form")];
}

/** The sentence after the path, or `undefined` when the field is well. */
function problemOf(field: FormField, value: unknown): string | undefined {
  if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
    return field.required === true ? "is required; fill it in" : undefined;
  switch (field.kind) {
    case "text":
      return textProblem(value, field.maxLength ?? templateLimits.fieldTextDefaultLength);
    case "textarea":
      return textProblem(value, field.maxLength ?? templateLimits.fieldTextMaxLength);
    case "email":
      return textProblem(value, templateLimits.emailMaxLength) ?? (emailExpression.test(value as string) ? undefined : "must be an e-mail address");
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? undefined : "must be a number";
    case "select":
      return typeof value === "string" && hasOption(field, value) ? undefined : "must be the value of one of the options";
    case "multiselect":
      return isChoice(field, value) ? undefined : "must be an array of the options' values, each at most once";
    case "date":
    case "time":
      return typeof value === "string" && isLocalTime(field.kind, value)
        ? undefined
        : `must be a ${field.kind} that exists, like ${localTimeExamples[field.kind]}`;
    case "checkbox":
      if (typeof value !== "boolean") return "must be true or false";
      return field.required === true && !value ? "must be ticked" : undefined;
  }
}

function textProblem(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== "string") return "must be a text";
  return codePointLength(value) > maxLength ? `is too long; at most ${maxLength} characters` : undefined;
}

function hasOption({ options = [] }: FormField, value: unknown): boolean {
  return options.some((option) => option.value === value);
}

function isChoice(field: FormField, value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => hasOption(field, one)) && new Set(value).size === value.length;
}

/** A hostile key is cut, as validators do. */
function pathOf(key: string): string {
  return `/${key.slice(0, 64).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
