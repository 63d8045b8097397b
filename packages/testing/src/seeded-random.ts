/**
 * Chance that can be repeated: the same seed gives the same choices. mulberry32 (Tommy Ettinger, public
 * domain): 32 bits of state, good enough to choose test inputs with, for nothing else.
 */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.float() * (most - least + 1));
  }

  /** @throws RangeError for an empty array */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("There is nothing to pick from.");
    return choices[this.integer(0, choices.length - 1)] as T;
  }

  isTrue(probability: number): boolean {
    return this.float() < probability;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(0, 255));
  }

  /** Another generator whose choices do not depend on how many this one makes later. */
  fork(): SeededRandom {
    return new SeededRandom(this.integer(0, 0xffff_ffff));
  }
}
