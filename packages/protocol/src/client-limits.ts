/**
 * The bounds of `limits.ts` that a client keeps to before it asks. In a file of their own, so that what a page loads brings these
 * few numbers and not the rest.
 */
export const clientLimits = {
  /** One WebSocket message from a client, in bytes, after un-fragmenting. Also the size of an HTTP request body. */
  frameMaxBytes: 65_536,
  /** Events, conversations or members in one page. */
  pageMax: 200,
  /** Conversations whose cursors one `hello` resumes: what fits into a frame. */
  cursorsMax: 400,
  /** Users whose presence one connection watches. */
  watchedMax: 200,
} as const;
