/** What runs in a thread for a hook with `offload: true`: finds it where the server found it, in the same module, and calls it. */

export interface OffloadedCall {
  /** File URL of the hooks' module. */
  readonly module: string;
  readonly name: "beforeSend" | "afterCommit";
  /** What the hook is asked or told. Absent: the module is only loaded. */
  readonly input?: unknown;
}

interface HooksModule {
  readonly hooks: Readonly<Partial<Record<OffloadedCall["name"], { readonly hook: (input: unknown) => unknown }>>>;
}

export async function run({ module, name, input }: OffloadedCall): Promise<unknown> {
  const { hooks } = (await import(module)) as HooksModule;
  const { hook } = hooks[name] ?? {};
  if (typeof hook !== "function") throw new TypeError(`hooks.${name}.hook is no function here.`);
  return input === undefined ? undefined : hook(input);
}
