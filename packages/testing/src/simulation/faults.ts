/** What happens to the network and to the server of a simulated world. */
import type { Device, SimulatedWorld } from "./simulated-world.ts";

export const faultNames = ["cut", "half-open", "slow reader", "offline", "crash", "restart", "clock jump"] as const;
export type FaultName = (typeof faultNames)[number];

const hourMs = 3_600_000;

export function strike(world: SimulatedWorld, fault: FaultName): void {
  const { random, server, time } = world;
  const device = random.pick(world.devices);
  switch (fault) {
    case "cut":
      return device.connection?.cut({ serverMs: random.integer(0, 2_000), clientMs: random.integer(0, 2_000) });
    case "half-open":
      // The server's heartbeat notices after 10 to 40 s, the device when its system does.
      return device.connection?.cut({ serverMs: random.integer(10_000, 40_000), clientMs: random.integer(5_000, 60_000) });
    case "slow reader":
      return device.connection?.stall(random.integer(200, 20_000));
    case "offline":
      return goOffline(world, device, random.integer(500, 20_000));
    case "crash":
      // Not at the moment of an action, but when its commands arrive, are committed and answered.
      time.schedule(random.integer(0, 100), () => server.crash());
      time.schedule(random.integer(150, 3_000), () => server.start());
      return;
    case "restart":
      server.drain().then(
        () => time.schedule(random.integer(50, 1_000), () => server.start()),
        (error: unknown) => world.failures.push(error),
      );
      return;
    case "clock jump":
      server.skewMs = random.integer(-hourMs, hourMs);
      return;
  }
}

function goOffline({ random, time }: SimulatedWorld, device: Device, forMs: number): void {
  device.isOnline = false;
  device.connection?.cut({ serverMs: random.integer(0, 30_000), clientMs: 0 });
  time.schedule(forMs, () => (device.isOnline = true));
}
