// A resolve hook that adds the export condition `suda-source`, as `node --conditions=suda-source` would, but
// inside the process that is already running.
export function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier, { ...context, conditions: [...context.conditions, "suda-source"] });
}
