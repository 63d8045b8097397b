/** What a user gives with a tap, held against the action as it is. Rule T16 of docs/PROTOCOL.md. */
import { codePointLength } from "../code-points.ts";
import type { Content } from "../content.ts";
import { limits, templateLimits } from "../limits.ts";
import type { Action, DatetimeAction, RequestAction } from "./actions.ts";
import { checkFormValue, isEmail } from "./check-form-value.ts";
import type { FormSubmit } from "./find-action.ts";
import { isLocalTime, localTimeExamples } from "./local-time.ts";
import { fault, type MessageFault } from "./message-fault.ts";

const path = "/value";
const phoneExpression = /^\+?[0-9][0-9 ()-]*[0-9]$/;

/**
 * One fault for each thing that is wrong, with paths that begin with `/value`; empty when all is well.
 * @param content the message's, whose fields a form's value is held against
 */
export function checkTapValue(action: Action | FormSubmit, value: unknown, content: Content | { readonly type: "deleted" }): readonly MessageFault[] {
  switch (action.type) {
    case "datetime":
      return one(datetimeProblem(action, value));
    case "request":
      return checkRequest(action, value);
    case "submit":
      if (value === undefined) return one("is missing; it is an object with the form's fields");
      if (content.type !== "form") return one("belongs to no form");
      return checkFormValue(content, value).map((found) => ({
        path: path + found.path,
        message: found.path === "" ? `${path} is wrong: ${found.message}` : path + found.message,
      }));
    case "message":
    case "postback":
    case "uri":
    case "call":
    case "copy":
    case "share":
    case "handoff":
      return value === undefined ? [] : one(`is not taken by an action of the type ${action.type}; leave it out`);
  }
}

function datetimeProblem({ mode, min, max }: DatetimeAction, value: unknown): string | undefined {
  if (typeof value !== "string" || !isLocalTime(mode, value)) return `must be a ${mode} that exists, like ${localTimeExamples[mode]}`;
  // All of one mode sort as texts.
  if (min !== undefined && value < min) return `is before ${min}, the earliest that can be chosen`;
  if (max !== undefined && value > max) return `is after ${max}, the latest that can be chosen`;
  return undefined;
}

function checkRequest({ kind }: RequestAction, value: unknown): readonly MessageFault[] {
  switch (kind) {
    case "camera":
    case "photo":
      return value === undefined ? [] : one("is not taken here; send the picture as a message with `replyTo`");
    case "email":
      return isEmail(value) ? [] : one("must be an e-mail address");
    case "location":
      return checkFields(value, locationFields);
    case "contact": {
      const faults = checkFields(value, contactFields);
      if (faults.length > 0) return faults;
      const { phone, email } = value as Readonly<Record<string, unknown>>;
      return phone === undefined && email === undefined ? one("needs a phone or an email") : [];
    }
  }
}

interface Field {
  readonly isOptional?: true;
  readonly takes: (value: unknown) => boolean;
  /** After the path. */
  readonly problem: string;
}

const isWithin = (value: unknown, bound: number): boolean => typeof value === "number" && Math.abs(value) <= bound;
const isText = (value: unknown, maxLength: number): value is string => typeof value === "string" && value !== "" && codePointLength(value) <= maxLength;

const locationFields: Readonly<Record<string, Field>> = {
  latitude: { takes: (value) => isWithin(value, 90), problem: "must be a number from -90 to 90" },
  longitude: { takes: (value) => isWithin(value, 180), problem: "must be a number from -180 to 180" },
};

const contactFields: Readonly<Record<string, Field>> = {
  name: { takes: (value) => isText(value, limits.userNameMaxLength), problem: `must be a text of 1–${limits.userNameMaxLength} characters` },
  phone: {
    isOptional: true,
    takes: (value) => isText(value, templateLimits.phoneMaxLength) && phoneExpression.test(value),
    problem: "must be a telephone number",
  },
  email: { isOptional: true, takes: isEmail, problem: "must be an e-mail address" },
};

function checkFields(value: unknown, fields: Readonly<Record<string, Field>>): readonly MessageFault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return one(`must be an object with ${Object.keys(fields).join(", ")}`);
  const given = value as Readonly<Record<string, unknown>>;
  const faults = Object.entries(fields).flatMap(([name, { isOptional, takes, problem }]) => {
    const field = Object.hasOwn(given, name) ? given[name] : undefined;
    return (field === undefined && isOptional === true) || takes(field) ? [] : [fault(`${path}/${name}`, problem)];
  });
  const isUnknown = Object.keys(given).some((name) => !Object.hasOwn(fields, name));
  return isUnknown ? [...faults, ...one(`has nothing but ${Object.keys(fields).join(", ")}`)] : faults;
}

function one(problem: string | undefined): readonly MessageFault[] {
  return problem === undefined ? [] : [fault(path, problem)];
}
