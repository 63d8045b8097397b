/** Exact numbers: 1/3 stays 1/3, so that a root can be put back into its equation. */
export interface Fraction {
  readonly top: bigint;
  /** Above 0, and without a factor in common with `top`. */
  readonly bottom: bigint;
}

/** @throws RangeError when `bottom` is 0 */
export function fraction(top: bigint, bottom: bigint = 1n): Fraction {
  if (bottom === 0n) throw new RangeError("Nothing can be divided by 0.");
  const sign = bottom < 0n ? -1n : 1n;
  const divisor = greatestDivisor(top < 0n ? -top : top, bottom * sign);
  return { top: (top * sign) / divisor, bottom: (bottom * sign) / divisor };
}

export const zero: Fraction = fraction(0n);

export const add = (a: Fraction, b: Fraction): Fraction => fraction(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom);
export const negate = (a: Fraction): Fraction => ({ top: -a.top, bottom: a.bottom });
export const multiply = (a: Fraction, b: Fraction): Fraction => fraction(a.top * b.top, a.bottom * b.bottom);
/** @throws RangeError when `b` is 0 */
export const divide = (a: Fraction, b: Fraction): Fraction => fraction(a.top * b.bottom, a.bottom * b.top);

/** Of a number that is a square: 9/4 → 3/2. */
export function squareRoot(value: Fraction): Fraction | undefined {
  const [top, bottom] = [wholeRoot(value.top), wholeRoot(value.bottom)];
  return top === undefined || bottom === undefined ? undefined : fraction(top, bottom);
}

/** With the minus sign of print. */
export function show({ top, bottom }: Fraction): string {
  const text = bottom === 1n ? String(top) : `${top}/${bottom}`;
  return text.replace("-", "−");
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function wholeRoot(value: bigint): bigint | undefined {
  if (value < 0n) return undefined;
  let root = value;
  // Newton's method from above, which ends at the whole part of the root.
  for (let next = (root + 1n) / 2n; next < root; next = (root + value / root) / 2n) root = next;
  return root * root === value ? root : undefined;
}
