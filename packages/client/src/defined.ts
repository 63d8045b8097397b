/** The fields among `names` that `source` has: an absent one stays absent, and is not there as `undefined`. */
export function definedOf<T extends object, Name extends keyof T>(source: T, names: readonly Name[]): { [N in Name]?: Exclude<T[N], undefined> } {
  const found: { [N in Name]?: Exclude<T[N], undefined> } = {};
  for (const name of names) {
    const value = source[name];
    if (value !== undefined) found[name] = value as Exclude<T[Name], undefined>;
  }
  return found;
}
