/** A text that grows at its end and is counted in code points, so that adding the same part twice is the same as adding it once. */
import { codePointLength, limits } from "@suda/protocol";

export type Grown =
  | { readonly is: "grown"; readonly offset: number; readonly added: string }
  /** All of it was there already. */
  | { readonly is: "known" }
  /** Something before it is missing. */
  | { readonly is: "gap" }
  /** Something else is there. */
  | { readonly is: "conflict" }
  /** It would be longer than a text message can be. */
  | { readonly is: "full" };

export class GrowingText {
  #text = "";
  #length = 0;

  get text(): string {
    return this.#text;
  }

  /** Code points. */
  get length(): number {
    return this.#length;
  }

  /** What an append would do. @param offset code points before `part`; absent: the end */
  plan(part: string, offset: number = this.#length): Grown {
    if (offset > this.#length) return { is: "gap" };
    let added = part;
    if (offset < this.#length) {
      // Rare, so that counting through the text is no matter: a repetition.
      const known = Array.from(this.#text).slice(offset).join("");
      if (known.startsWith(part)) return { is: "known" };
      if (!part.startsWith(known)) return { is: "conflict" };
      added = part.slice(known.length);
    }
    if (this.#length + codePointLength(added) > limits.textMaxLength) return { is: "full" };
    return { is: "grown", offset: this.#length, added };
  }

  /** Carries out what was planned, with nothing between. */
  grow({ added }: Extract<Grown, { is: "grown" }>): void {
    this.#text += added;
    this.#length += codePointLength(added);
  }
}
