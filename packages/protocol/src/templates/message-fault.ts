/** What is wrong with a message, at one place. */
export interface MessageFault {
  /** JSON pointer (RFC 6901) into what was checked. */
  readonly path: string;
  /** A sentence that begins with the path and says what to do. Nothing of what was written is in it. */
  readonly message: string;
}

/** @param rest the sentence after the path, without its full stop */
export function fault(path: string, rest: string): MessageFault {
  return { path, message: `${path} ${rest}.` };
}
