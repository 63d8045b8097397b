/** The faults of a link, each as something that begins and ends; chosen by a seed and counted. */
import type { SeededRandom, TcpProxy } from "@suda/testing";

export const linkFaults = ["latency", "jitter", "throttle", "slices", "black-hole", "mute", "half-close", "reset", "refuse"] as const;
export type LinkFault = (typeof linkFaults)[number];

/** Begins a fault. @returns for how many ms it lasts; then {@link cease} ends it */
export function strike(proxy: TcpProxy, fault: LinkFault, random: SeededRandom): number {
  switch (fault) {
    case "latency":
      proxy.set({ latencyMs: random.integer(50, 1_000) });
      return random.integer(1_000, 8_000);
    case "jitter":
      proxy.set({ jitterMs: random.integer(50, 1_500) });
      return random.integer(1_000, 8_000);
    case "throttle":
      proxy.set({ bytesPerSecond: random.integer(300, 10_000) });
      return random.integer(1_000, 8_000);
    case "slices":
      proxy.set({ sliceBytes: random.integer(1, 30) });
      return random.integer(500, 4_000);
    case "black-hole":
      proxy.set({ isBlackHole: true });
      // Short ones must change nothing; long ones outlast the client's 15 s of patience.
      return random.isTrue(0.5) ? random.integer(500, 4_000) : random.integer(12_000, 22_000);
    case "mute":
      proxy.set({ isMute: true });
      return random.integer(100, 2_000);
    case "half-close":
      proxy.halfClose();
      return 0;
    case "reset":
      proxy.reset();
      return 0;
    case "refuse":
      proxy.refuse();
      proxy.reset();
      return random.integer(300, 5_000);
  }
}

/** The link is good again. What a mute link held back is lost: sent, carried out, and never answered. */
export function cease(proxy: TcpProxy, fault: LinkFault): void {
  if (fault === "mute") proxy.reset();
  proxy.heal();
}
