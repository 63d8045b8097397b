/**
 * The normative frames of protocol version 1, over a real socket, in both encodings. Whoever serves this protocol
 * must pass: an in-process server, `suda serve` as a process, a cluster behind a balancer. Every frame that
 * comes from the server is held against its schema. Users get names of their own per test, so that the suite
 * may be run against a server that has data.
 *
 * @example
 * wireSuite("memory store", async () => ({ url, tokenOf: (user) => sign(user), apiKey }));
 */
import { describe } from "node:test";
import { codecs } from "@suda/protocol";
import { conversationFrames } from "./wire-suite/conversation-frames.ts";
import { messageFrames } from "./wire-suite/message-frames.ts";
import { refusals } from "./wire-suite/refusals.ts";
import { settingFrames } from "./wire-suite/setting-frames.ts";
import type { OpenWireServer } from "./wire-suite/wire.ts";

export type { OpenWireServer, WireServer } from "./wire-suite/wire.ts";

/**
 * Registers the suite as node:test tests under `wire: name, encoding`.
 * @param open called once per test; `close` is called when it ends
 */
export function wireSuite(name: string, open: OpenWireServer): void {
  for (const codec of codecs) {
    describe(`wire: ${name}, ${codec.name}`, { timeout: 60_000 }, () => {
      conversationFrames(open, codec);
      messageFrames(open, codec);
      settingFrames(open, codec);
      refusals(open, codec);
    });
  }
}
