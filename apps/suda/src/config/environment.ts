/** The only place that reads `process.env`. Everyone else is handed what it found. */

export interface Environment {
  /** The variables that begin with `SUDA_`, by their whole name. */
  readonly suda: Readonly<Record<string, string>>;
  readonly isProduction: boolean;
  /** https://no-color.org: set and not empty. */
  readonly noColor: boolean;
  /** `ko` when the locale of messages is Korean. */
  readonly language: "ko" | "en";
  /** A terminal that cannot move its cursor. */
  readonly isDumbTerminal: boolean;
}

export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const suda: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) if (name.startsWith("SUDA_") && value !== undefined) suda[name] = value;
  // In the order of POSIX (XBD 8.2): the first that is set and not empty decides.
  const locale = [variables["LC_ALL"], variables["LC_MESSAGES"], variables["LANG"]].find((value) => value !== undefined && value !== "");
  return {
    suda,
    isProduction: variables["NODE_ENV"] === "production",
    noColor: (variables["NO_COLOR"] ?? "") !== "",
    language: locale?.startsWith("ko") === true ? "ko" : "en",
    isDumbTerminal: variables["TERM"] === "dumb",
  };
}
