/** What a row of the screen is made of. */

export type Style = "plain" | "dim" | "bold" | "italic" | "code" | "link" | "mine" | "other" | "error" | "unread";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One row of the screen. */
export type Row = readonly Span[];
