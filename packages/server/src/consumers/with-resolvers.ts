/** Promise.withResolvers of Node 22, for Node 20. */
export function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((given) => (resolve = given));
  return { promise, resolve };
}
