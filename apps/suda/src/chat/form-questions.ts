/** The fields of a form as questions. */
import { checkFormValue, templateLimits, type ContentOf, type FormField } from "@suda/protocol";
import type { Question } from "./asking.ts";
import type { Messages } from "./messages.ts";
import { ChatRefusal } from "./refusal.ts";
import { safeLine } from "./text-safety.ts";

export function formQuestions(form: ContentOf<"form">, messages: Messages): readonly Question[] {
  const { hints } = messages.templates;
  return form.fields.map((field) => ({
    key: field.id,
    prompt: [
      safeLine(field.label),
      field.kind === "text" || field.kind === "textarea" ? undefined : ` — ${hints[field.kind]}`,
      ...(field.options ?? []).map(({ label }, index) => `\n  ${index + 1}) ${safeLine(label)}`),
    ].join(""),
    isOptional: field.required !== true,
    read(input) {
      const value = valueOf(field, input);
      const isWell = value !== undefined && checkFormValue({ ...form, fields: [field] }, { [field.id]: value }).length === 0;
      if (!isWell) throw new ChatRefusal(problem(field, input, messages));
      return value;
    },
  }));
}

function problem({ kind, maxLength, required }: FormField, input: string, { templates }: Messages): string {
  if (kind === "checkbox" && required === true && readTick(input) === false) return templates.required;
  if (kind === "text") return templates.tooLong(maxLength ?? templateLimits.fieldTextDefaultLength);
  return kind === "textarea" ? templates.tooLong(maxLength ?? templateLimits.fieldTextMaxLength) : templates.hints[kind];
}

/** As the form wants it; `undefined` when that cannot be read from the input. */
function valueOf({ kind, options = [] }: FormField, input: string): unknown {
  switch (kind) {
    case "number": {
      const value = Number(input.replaceAll(",", ""));
      return Number.isFinite(value) ? value : undefined;
    }
    case "select":
      return optionOf(options, input);
    case "multiselect": {
      const chosen = input
        .split(/[\s,]+/)
        .filter((word) => word !== "")
        .map((word) => optionOf(options, word));
      return chosen.includes(undefined) ? undefined : [...new Set(chosen)];
    }
    case "checkbox":
      return readTick(input);
    case "text":
    case "textarea":
    case "email":
    case "date":
    case "time":
      return input;
  }
}

/** By its number as it is shown; else by its label or value. */
function optionOf(options: NonNullable<FormField["options"]>, input: string): string | undefined {
  const byNumber = /^\d{1,4}$/.test(input) ? options[Number(input) - 1] : undefined;
  return (byNumber ?? options.find(({ label, value }) => label === input || value === input))?.value;
}

function readTick(input: string): boolean | undefined {
  if (/^(?:y|yes|true|1|예|네|응)$/i.test(input)) return true;
  return /^(?:n|no|false|0|아니요|아니오|아니)$/i.test(input) ? false : undefined;
}
