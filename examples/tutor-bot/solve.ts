/**
 * The solver, in a thread of its own (`ctx.offload`): stands for whatever takes its time, such as a computer algebra system. It
 * really solves: sums, and equations in x of the first and second degree, exactly.
 */
import { add, divide, fraction, multiply, negate, show, squareRoot, type Fraction } from "./fraction.ts";
import { parseProblem, UnreadableProblem, type Polynomial } from "./parse-problem.ts";

export interface SolveInput {
  readonly text: string;
  readonly language: "ko" | "en";
}

export type Solution =
  | { readonly isSolved: true; readonly problem: string; readonly kind: string; readonly steps: readonly string[]; readonly answer: string }
  | { readonly isSolved: false; readonly why: string };

export function run({ text, language }: SolveInput): Solution {
  const word = (ko: string, en: string): string => (language === "ko" ? ko : en);
  try {
    const { text: problem, isEquation, polynomial } = parseProblem(text);
    return { isSolved: true, problem, ...(isEquation ? solveEquation(polynomial, word) : solveSum(polynomial, word)) };
  } catch (error) {
    if (error instanceof UnreadableProblem) return { isSolved: false, why: error.message };
    throw error;
  }
}

type Word = (ko: string, en: string) => string;
type Solved = Pick<Extract<Solution, { isSolved: true }>, "kind" | "steps" | "answer">;

function solveSum([value, x, square]: Polynomial, word: Word): Solved {
  if (x.top !== 0n || square.top !== 0n) throw new UnreadableProblem("it has an x but no =");
  return {
    kind: word("계산", "a sum"),
    steps: [word("괄호 안을 먼저, 그다음 곱셈과 나눗셈을 해요.", "Parentheses first, then × and ÷."), word("마지막에 더하고 빼요.", "Add and subtract last.")],
    answer: show(value),
  };
}

function solveEquation([c, b, a]: Polynomial, word: Word): Solved {
  const collected = `${showPolynomial([c, b, a])} = 0`;
  const collect = `${word("모든 항을 왼쪽으로 옮겨요", "Collect everything on the left")}: ${collected}`;
  if (a.top === 0n && b.top === 0n)
    return {
      kind: word("등식", "an equality"),
      steps: [collect],
      answer: c.top === 0n ? word("모든 x", "every x") : word("답이 없어요", "there is no such x"),
    };
  if (a.top === 0n)
    return {
      kind: word("일차방정식", "a linear equation"),
      steps: [
        collect,
        `${word("상수를 오른쪽으로", "The number goes to the right")}: ${showPolynomial([fraction(0n), b, fraction(0n)])} = ${show(negate(c))}`,
        `${word("x 앞의 수로 나눠요", "Divide by what stands before x")}: ${show(b)}`,
      ],
      answer: `x = ${show(divide(negate(c), b))}`,
    };
  return solveQuadratic({ a, b, c, collect }, word);
}

function solveQuadratic({ a, b, c, collect }: Readonly<Record<"a" | "b" | "c", Fraction>> & { readonly collect: string }, word: Word): Solved {
  const discriminant = add(multiply(b, b), negate(multiply(fraction(4n), multiply(a, c))));
  const twice = multiply(fraction(2n), a);
  const root = squareRoot(discriminant);
  const kind = word("이차방정식", "a quadratic equation");
  const steps = [
    collect,
    `${word("판별식", "The discriminant")}: b² − 4ac = ${show(discriminant)}`,
    `${word("근의 공식", "The formula")}: x = (−b ± √(${show(discriminant)})) / ${show(twice)}`,
  ];
  if (discriminant.top < 0n) return { kind, steps: steps.slice(0, 2), answer: word("실수인 답이 없어요", "no real x") };
  if (root === undefined) return { kind, steps, answer: `x = (${show(negate(b))} ± √${show(discriminant)}) / ${show(twice)}` };
  const roots = [root, negate(root)].map((one) => show(divide(add(negate(b), one), twice)));
  return { kind, steps, answer: [...new Set(roots)].map((one) => `x = ${one}`).join(word(" 또는 ", " or ")) };
}

function showPolynomial([c, b, a]: Polynomial): string {
  const terms = [
    [a, "x²"],
    [b, "x"],
    [c, ""],
  ] as const;
  const shown = terms.filter(([{ top }]) => top !== 0n).map(([value, letter]) => ({ isNegative: value.top < 0n, text: showTerm(value, letter) }));
  return shown.map(({ isNegative, text }, index) => (index === 0 ? `${isNegative ? "−" : ""}${text}` : ` ${isNegative ? "−" : "+"} ${text}`)).join("") || "0";
}

function showTerm(value: Fraction, letter: string): string {
  const size = { ...value, top: value.top < 0n ? -value.top : value.top };
  if (letter === "") return show(size);
  if (size.bottom !== 1n) return `(${show(size)})${letter}`;
  return size.top === 1n ? letter : show(size) + letter;
}
