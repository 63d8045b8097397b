/**
 * ⑨ One encoding per encoding and event. The layer hands the same event object to all members of a node, so
 * the object is the key; when the last member has it, it and its bytes are garbage together.
 */
import type { Codec, Event } from "@suda/protocol";

export class EventEncoder {
  readonly #frames = new Map<Codec, WeakMap<object, Uint8Array>>();

  encode(codec: Codec, event: Event): Uint8Array {
    let frames = this.#frames.get(codec);
    if (frames === undefined) {
      frames = new WeakMap();
      this.#frames.set(codec, frames);
    }
    let frame = frames.get(event);
    if (frame === undefined) {
      frame = codec.encode(event);
      frames.set(event, frame);
    }
    return frame;
  }
}
