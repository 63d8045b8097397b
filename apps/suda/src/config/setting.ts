/**
 * The kinds of settings. A kind reads what a person wrote (a string from the environment or a flag, any JSON
 * from the file) within its bounds, or says in half a sentence what is wrong with it.
 */
import { isIP } from "node:net";

export interface Setting<T> {
  /** For `suda config doc`: kind, unit and bounds. */
  readonly accepts: string;
  readonly doc: string;
  readonly default: T;
  /** What `suda dev` starts from instead. */
  readonly developmentDefault?: T;
  /** Never printed, and no flag: arguments of a process can be read by every user of the machine. */
  readonly isSecret?: true;
  /** Relative ones of a file are relative to that file. */
  readonly isPath?: true;
  /** Half a sentence on a value that must not be given as a flag, though it is good elsewhere. */
  flagProblem?(value: T): string | undefined;
  /** Half a sentence on a bad value: `{ problem }`. */
  read(value: unknown): { readonly value: T } | { readonly problem: string };
  /** As one would write it in the environment; what is secret in it is masked. */
  show(value: T): string;
}

interface Common<T> {
  readonly doc: string;
  readonly default: T;
  readonly developmentDefault?: T;
}

const bad = (problem: string): { readonly problem: string } => ({ problem });

export function integer(options: Common<number> & { readonly min: number; readonly max: number; readonly unit?: string }): Setting<number> {
  const { min, max, unit } = options;
  const accepts = `integer ${min}–${max}${unit === undefined ? "" : ` ${unit}`}`;
  return {
    ...options,
    accepts,
    read(value) {
      const number = typeof value === "string" && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
      if (typeof number !== "number" || !Number.isInteger(number)) return bad("is not an integer");
      return number < min || number > max ? bad(`must be ${min} to ${max}${unit === undefined ? "" : ` ${unit}`}`) : { value: number };
    },
    show: String,
  };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30d`, `90s`, `250ms`, or milliseconds without a unit; `undefined` for anything else. */
export function readDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (unitsMs[match[2] ?? "ms"] ?? 1));
}

export function duration(options: Common<number> & { readonly minMs: number; readonly maxMs: number }): Setting<number> {
  const { minMs, maxMs } = options;
  return {
    ...options,
    accepts: `milliseconds or 250ms, 10s, 5m; ${minMs}–${maxMs} ms`,
    read(value) {
      const number = typeof value === "string" ? readDurationMs(value) : value;
      if (typeof number !== "number" || !Number.isInteger(number)) return bad("is not a time (milliseconds, or 250ms, 10s, 5m)");
      return number < minMs || number > maxMs ? bad(`must be ${minMs} to ${maxMs} ms`) : { value: number };
    },
    show: String,
  };
}

export function choice<const Choice extends string>(options: Common<NoInfer<Choice>> & { readonly choices: readonly Choice[] }): Setting<Choice> {
  return {
    ...options,
    accepts: options.choices.join(" \\| "),
    read(value) {
      const chosen = options.choices.find((one) => one === value);
      return chosen === undefined ? bad(`must be one of ${options.choices.join(", ")}`) : { value: chosen };
    },
    show: String,
  };
}

interface TextOptions {
  readonly doc: string;
  readonly default?: string;
  readonly accepts?: string;
  readonly isSecret?: true;
  readonly isPath?: true;
  /** Half a sentence on a bad value, `undefined` on a good one. */
  readonly problem?: (value: string) => string | undefined;
  /** Hides the part of a value that is secret. */
  readonly mask?: (value: string) => string;
  readonly flagProblem?: (value: string) => string | undefined;
}

export function text(options: TextOptions & { readonly default: string }): Setting<string>;
export function text(options: TextOptions): Setting<string | undefined>;
export function text(options: TextOptions): Setting<string> | Setting<string | undefined> {
  return {
    ...options,
    default: options.default,
    accepts: options.accepts ?? (options.isPath === true ? "path" : "text"),
    read(value) {
      if (typeof value !== "string") return bad("is not text");
      if (value === "") return bad("is empty");
      const problem = options.problem?.(value);
      return problem === undefined ? { value } : bad(problem);
    },
    show: (value: string | undefined) => (value === undefined ? "" : (options.mask?.(value) ?? value)),
    ...(options.flagProblem === undefined
      ? {}
      : { flagProblem: (value: string | undefined) => (value === undefined ? undefined : options.flagProblem?.(value)) }),
  };
}

export function list(
  options: Common<readonly string[]> & { readonly accepts: string; readonly isSecret?: true; readonly problem: (element: string) => string | undefined },
): Setting<readonly string[]> {
  return {
    ...options,
    accepts: `comma list of ${options.accepts}`,
    read(value) {
      const elements: unknown = typeof value === "string" ? value.split(",").map((element) => element.trim()) : value;
      if (!Array.isArray(elements) || !elements.every((element) => typeof element === "string")) return bad("is not a list of texts");
      for (const element of elements) {
        const problem = element === "" ? "holds an empty element" : options.problem(element);
        if (problem !== undefined) return bad(problem);
      }
      return { value: elements };
    },
    show: (value) => value.join(","),
  };
}

/** An address or a range in CIDR notation, as trusted proxies are named. */
export function addressProblem(value: string): string | undefined {
  const [address = "", bits, ...rest] = value.split("/");
  const version = isIP(address);
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  return version !== 0 && isRange && rest.length === 0 ? undefined : `holds "${value}", which is not an IP address or range`;
}

/** An address or a range as {@link addressProblem} takes it, or one of them with a port behind it. */
export function outgoingAddressProblem(value: string): string | undefined {
  const [, bracketed, inBrackets] = /^\[([^\]]*)\]:(\d{1,5})$/.exec(value) ?? [];
  const [, plain, behindPlain] = /^([\d.]+(?:\/\d+)?):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(inBrackets ?? behindPlain ?? 1);
  return addressProblem(bracketed ?? plain ?? value) === undefined && port >= 1 && port <= 65_535
    ? undefined
    : `holds "${value}", which is not an IP address or range, with or without a port`;
}

/** Of a URL that the server calls; whether it may is judged where it starts, when all settings are known. */
export function calledUrlProblem(value: string): string | undefined {
  const problem = urlProblem(value, ["https:", "http:"]);
  if (problem !== undefined) return problem;
  const { username, password } = new URL(value);
  return username === "" && password === "" ? undefined : "holds a user name or password; a hook's calls are signed with `hookSecret`";
}

export function urlProblem(value: string, protocols: readonly string[]): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && protocols.includes(url.protocol) ? undefined : `is not a URL that begins with ${protocols.map((one) => `${one}//`).join(" or ")}`;
}
