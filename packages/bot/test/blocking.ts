/** What a bot must not do on its own thread. */
export function run(n: number): number {
  return n < 2 ? n : run(n - 1) + run(n - 2);
}

export function hang(): never {
  for (;;);
}
