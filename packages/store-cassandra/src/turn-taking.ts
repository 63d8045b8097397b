/**
 * Turns of several processes that write to one conversation. Who has just written knows it, and would be first again and again,
 * while another, who must read it anew each time, waits for seconds. So who shares a conversation stands back after each turn of
 * its own: for as long as a turn takes, and longer each time that nobody came, until nobody does. And who has been writing
 * without a rest stands back once in a while to see whether anybody comes.
 */

/** A turn of another process is longer than this, with its reading. */
const shortestMs = 10;
const longestMs = 250;
/** Times in a row that nobody came, after which nobody else writes. */
const maxInVain = 6;
/** Writing without a rest. */
const probeAfterMs = 500;
/** Between two turns; longer is a rest, in which others come. */
const restMs = 20;

export class TurnTaking {
  #isShared = false;
  #standBackMs = shortestMs;
  #inVain = 0;
  /** The version that the last own turn left, when it was followed by standing back. */
  #left: number | undefined;
  #restedAtMs = 0;
  #endedAtMs = 0;

  /** Another process was first. */
  lost(): void {
    this.#isShared = true;
    this.#inVain = 0;
  }

  /**
   * A turn of one's own has stored something, and left this version. Times in monotonic ms.
   * @returns for how long to stand back before the next, ms; 0 when nobody else is known to write
   */
  won(version: number, { beganAtMs, endedAtMs }: { readonly beganAtMs: number; readonly endedAtMs: number }): number {
    if (beganAtMs - this.#endedAtMs > restMs) this.#restedAtMs = beganAtMs;
    this.#endedAtMs = endedAtMs;
    const isProbing = endedAtMs - this.#restedAtMs > probeAfterMs;
    if (!this.#isShared && !isProbing) return 0;
    if (isProbing) this.#restedAtMs = endedAtMs;
    this.#left = version;
    this.#standBackMs = Math.min(longestMs, Math.max(this.#standBackMs, endedAtMs - beganAtMs));
    return this.#standBackMs;
  }

  /** The version that one's next turn finds. */
  found(version: number): void {
    if (this.#left === undefined) return;
    const hasSomebodyCome = version !== this.#left;
    this.#left = undefined;
    if (hasSomebodyCome) {
      this.#isShared = true;
      this.#inVain = 0;
      this.#standBackMs = Math.max(shortestMs, this.#standBackMs / 2);
    } else if (this.#isShared && ++this.#inVain < maxInVain) this.#standBackMs = Math.min(longestMs, this.#standBackMs * 2);
    else {
      this.#isShared = false;
      this.#standBackMs = shortestMs;
    }
  }
}
