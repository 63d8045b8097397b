/**
 * Reads a sum or an equation in x, such as `3(x + 1) = x² − 5`, into coefficients. Everything is bounded: length, depth, degree.
 */
import { add, divide, fraction, multiply, negate, zero, type Fraction } from "./fraction.ts";

/** Coefficients of 1, x and x². */
export type Polynomial = readonly [Fraction, Fraction, Fraction];

/** The same as a sum of its left side and the negated right side; `isEquation` says whether there were two. */
export interface Problem {
  readonly text: string;
  readonly isEquation: boolean;
  readonly polynomial: Polynomial;
}

export class UnreadableProblem extends Error {
  override readonly name = "UnreadableProblem";
}

const maxLength = 200;
const maxDepth = 20;
const maxDigits = 15;

/** @throws UnreadableProblem, which says why */
export function parseProblem(text: string): Problem {
  if (text.length > maxLength) throw new UnreadableProblem(`it is longer than ${maxLength} characters`);
  const sides = text.split("=");
  if (sides.length > 2) throw new UnreadableProblem("it has more than one =");
  const [left = constant(zero), right = constant(zero)] = sides.map((side) => new Reader(side).read());
  return { text: text.trim(), isEquation: sides.length === 2, polynomial: plus(left, minus(right)) };
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    const plain = text.normalize("NFC").replaceAll(/[−–]/g, "-").replaceAll(/[×·]/g, "*").replaceAll("÷", "/").replaceAll("²", "^2");
    this.#tokens = Array.from(plain.matchAll(/\s*(\d+(?:\.\d+)?|[a-zA-Z]|\S)/g), ([, token = ""]) => token);
  }

  read(): Polynomial {
    const value = this.#sum();
    if (this.#token !== undefined) throw new UnreadableProblem(`I cannot read “${this.#token}”`);
    return value;
  }

  get #token(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(...tokens: readonly string[]): string | undefined {
    const token = this.#token;
    if (token === undefined || !tokens.includes(token)) return undefined;
    this.#at++;
    return token;
  }

  #sum(): Polynomial {
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-")) {
      const next = this.#product();
      value = plus(value, sign === "+" ? next : minus(next));
    }
    return value;
  }

  #product(): Polynomial {
    let value = this.#signed();
    for (;;) {
      if (this.#take("*") !== undefined) value = times(value, this.#signed());
      else if (this.#take("/") !== undefined) value = over(value, this.#signed());
      // 2x, 3(x + 1)
      else if (this.#token !== undefined && /^[x(]$/i.test(this.#token)) value = times(value, this.#power());
      else return value;
    }
  }

  #signed(): Polynomial {
    let isNegative = false;
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-")) isNegative = isNegative !== (sign === "-");
    const value = this.#power();
    return isNegative ? minus(value) : value;
  }

  #power(): Polynomial {
    const base = this.#atom();
    if (this.#take("^") === undefined) return base;
    if (this.#take("1") !== undefined) return base;
    if (this.#take("2") === undefined) throw new UnreadableProblem("I know powers up to 2 only");
    return times(base, base);
  }

  #atom(): Polynomial {
    const token = this.#token;
    this.#at++;
    if (token === undefined) throw new UnreadableProblem("something is missing");
    if (token === "x" || token === "X") return [zero, fraction(1n), zero];
    if (/^\d/.test(token)) return constant(numberOf(token));
    if (token !== "(") throw new UnreadableProblem(`I cannot read “${token}”`);
    if (++this.#depth > maxDepth) throw new UnreadableProblem("it has too many parentheses");
    const value = this.#sum();
    if (this.#take(")") === undefined) throw new UnreadableProblem("a ) is missing");
    this.#depth--;
    return value;
  }
}

function numberOf(token: string): Fraction {
  if (token.length > maxDigits) throw new UnreadableProblem("a number is too long");
  const [whole = "", decimals = ""] = token.split(".");
  return fraction(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
}

const constant = (value: Fraction): Polynomial => [value, zero, zero];
const plus = (a: Polynomial, b: Polynomial): Polynomial => [add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2])];
const minus = (a: Polynomial): Polynomial => [negate(a[0]), negate(a[1]), negate(a[2])];

function times([a0, a1, a2]: Polynomial, [b0, b1, b2]: Polynomial): Polynomial {
  const isTooHigh = [multiply(a1, b2), multiply(a2, b1), multiply(a2, b2)].some(({ top }) => top !== 0n);
  if (isTooHigh) throw new UnreadableProblem("I know powers up to 2 only");
  return [multiply(a0, b0), add(multiply(a0, b1), multiply(a1, b0)), add(add(multiply(a0, b2), multiply(a1, b1)), multiply(a2, b0))];
}

function over(a: Polynomial, [b0, b1, b2]: Polynomial): Polynomial {
  if (b1.top !== 0n || b2.top !== 0n) throw new UnreadableProblem("I cannot divide by x");
  if (b0.top === 0n) throw new UnreadableProblem("nothing can be divided by 0");
  return [divide(a[0], b0), divide(a[1], b0), divide(a[2], b0)];
}
