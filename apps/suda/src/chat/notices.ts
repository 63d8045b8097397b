/** Remarks of the program among the messages: each keeps its place, and the oldest go first. */
export interface Notice {
  readonly text: string;
  readonly isError: boolean;
  /** Shown after this event. */
  readonly afterSeq: number;
}

const noticesMax = 200;

export class Notices {
  readonly #notices: Notice[] = [];

  get all(): readonly Notice[] {
    return this.#notices;
  }

  add(notice: Notice): void {
    this.#notices.push(notice);
    if (this.#notices.length > noticesMax) this.#notices.shift();
  }
}
