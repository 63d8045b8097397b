/** What happens to the network, to the server and to the devices of a simulated world. */
import type { SimulatedDevice } from "./simulated-device.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

export const faultNames = ["cut", "half-open", "slow reader", "duplicate", "offline", "device restart", "crash", "restart", "clock jump"] as const;
/** Only with several nodes is there something between them. */
export const layerFaultNames = ["layer loss", "layer cut"] as const;
export type FaultName = (typeof faultNames)[number] | (typeof layerFaultNames)[number];

const ofServer: ReadonlySet<FaultName> = new Set(["crash", "restart", "clock jump", ...layerFaultNames]);

const hourMs = 3_600_000;

/** Returns whom it struck: a device's name, or the server. */
export function strike(world: SimulatedWorld, fault: FaultName): string {
  const device = world.random.pick(world.devices);
  inflict(world, fault, device);
  return ofServer.has(fault) ? "server" : device.name;
}

function inflict(world: SimulatedWorld, fault: FaultName, device: SimulatedDevice): void {
  const { random, nodes, time } = world;
  switch (fault) {
    case "cut":
      return device.connection?.cut({ serverMs: random.integer(0, 2_000), clientMs: random.integer(0, 2_000) });
    case "half-open":
      // The server's heartbeat notices after 10 to 40 s, the device when its system does.
      return device.connection?.cut({ serverMs: random.integer(10_000, 40_000), clientMs: random.integer(5_000, 60_000) });
    case "slow reader":
      return device.connection?.stall(random.integer(200, 20_000));
    case "duplicate":
      return device.connection?.duplicate(random.integer(500, 10_000));
    case "device restart":
      // With what is on its disk: also what was written a moment before.
      if (random.isTrue(0.5) && device.known.length > 0) device.say(random.pick(device.known), `${device.name} dies ${random.integer(1, 1_000_000)}`);
      time.schedule(random.integer(0, 60), () => device.kill(random.integer(0, 30_000)));
      time.schedule(random.integer(100, 10_000), () => device.start());
      return;
    case "offline":
      return goOffline(world, device, random.integer(500, 20_000));
    case "crash": {
      const server = nodes.any();
      // Not at the moment of an action, but when its commands arrive, are committed and answered.
      time.schedule(random.integer(0, 100), () => server.crash());
      time.schedule(random.integer(150, 3_000), () => server.start());
      return;
    }
    case "restart": {
      const server = nodes.any();
      server.drain().then(
        () => time.schedule(random.integer(50, 1_000), () => server.start()),
        (failure: unknown) => world.failures.push({ who: "server", failure }),
      );
      return;
    }
    case "clock jump":
      nodes.skewMs = random.integer(-hourMs, hourMs);
      return;
    case "layer loss":
      return loseEvents(world, random.pick([0.1, 0.5, 1]), random.integer(500, 8_000));
    case "layer cut":
      nodes.bus?.cut();
      time.schedule(random.integer(500, 20_000), () => nodes.bus?.heal());
      return;
  }
}

function goOffline({ random, time }: SimulatedWorld, device: SimulatedDevice, forMs: number): void {
  device.isOnline = false;
  device.connection?.cut({ serverMs: random.integer(0, 30_000), clientMs: 0 });
  time.schedule(forMs, () => (device.isOnline = true));
}

/** Nobody knows of it: it can only be seen by what is missing. */
function loseEvents({ nodes: { bus }, random, time }: SimulatedWorld, share: number, forMs: number): void {
  if (bus === undefined) return;
  bus.loses = () => random.isTrue(share);
  time.schedule(forMs, () => (bus.loses = () => false));
}
