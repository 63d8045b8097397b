/**
 * What a hostile client does below messages: handshakes that stop or lie, and frames that RFC 6455 forbids.
 * Each attack is bytes to write; afterwards the server ends the connection or goes on, and either is fine.
 */
import { encodeWebSocketFrame, opcodes, type SeededRandom } from "@suda/testing";

/** Bytes instead of a handshake. */
export function hostileHandshake(random: SeededRandom): Buffer {
  const good = `GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
  const handshakes: readonly (() => string)[] = [
    () => good.slice(0, random.integer(1, good.length)),
    () => good.replace("13", "12") + "\r\n",
    () => good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short") + "\r\n",
    () => good.replace("/v1/socket", random.pick(["/", "/v1/socket/x", "/%00", "/v1/%73ocket", "*", "/../../etc/passwd", `/${"x".repeat(20_000)}`])) + "\r\n",
    () => `${good}Sec-WebSocket-Protocol: ${random.pick([",", "a,a", "suda.v1.json,,", "suda.v1.nothing", "\u00ff", "x".repeat(10_000)])}\r\n\r\n`,
    () => `${good}Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99; ;\r\n\r\n`,
    () => `${good}Authorization: Bearer ${random.pick(["", "x", "a.b.c", "x".repeat(9_000)])}\r\n\r\n`,
    () => `${good}Origin: ${random.pick(["null", "https://evil.example", "https://", "\u0001"])}\r\n\r\n`,
    () => `${good}${Array.from({ length: 300 }, (_, index) => `X-${index}: y\r\n`).join("")}\r\n`,
    () => good.replace("GET", random.pick(["POST", "CONNECT", "PRI", "G E T"])) + "\r\n",
    () => `${good}Content-Length: 5\r\n\r\nhello`,
    () => `${good}Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n`,
    () => "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
    () => Buffer.from(random.bytes(random.integer(1, 500))).toString("latin1"),
  ];
  return Buffer.from(random.pick(handshakes)(), "latin1");
}

/** Bytes after a good handshake. */
export function hostileFrames(random: SeededRandom): { readonly bytes: Buffer; readonly frames: number } {
  const parts = random.pick(attacks)(random);
  return { bytes: Buffer.concat(parts), frames: parts.length };
}

const hello = Buffer.from('{"type":"hello","ref":1,"token":"x"}');
const frame = encodeWebSocketFrame;

const attacks: readonly ((random: SeededRandom) => Buffer[])[] = [
  // Opcodes that nobody has given a meaning (§5.2).
  (random) => [frame({ opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload: hello })],
  // Reserved bits without an extension.
  (random) => [frame({ opcode: opcodes.text, payload: hello, reserved: random.integer(1, 7) })],
  // Not masked (§5.1).
  () => [frame({ opcode: opcodes.text, payload: hello, mask: undefined })],
  // Lengths far beyond what follows, and beyond any bound.
  (random) => [
    frame({
      opcode: opcodes.text,
      payload: hello,
      claimedLength: random.pick([65_537n, 1n << 31n, 1n << 32n, (1n << 53n) + 1n, (1n << 63n) - 1n, (1n << 64n) - 1n]),
    }),
  ],
  // A frame that stops in the middle.
  (random) => [frame({ opcode: opcodes.text, payload: hello }).subarray(0, random.integer(1, 20))],
  // Tiny fragments without an end.
  (random) => [
    frame({ opcode: opcodes.text, payload: Buffer.from("["), isFinal: false }),
    ...Array.from({ length: random.integer(1, 400) }, () => frame({ opcode: opcodes.continuation, payload: Buffer.from(" "), isFinal: false })),
  ],
  // Empty fragments, which no size bound counts.
  (random) => [
    frame({ opcode: opcodes.text, payload: Buffer.alloc(0), isFinal: false }),
    ...Array.from({ length: random.integer(1, 400) }, () => frame({ opcode: opcodes.continuation, payload: Buffer.alloc(0), isFinal: false })),
  ],
  // Fragments that together are too large.
  () => [
    frame({ opcode: opcodes.binary, payload: Buffer.alloc(30_000), isFinal: false }),
    frame({ opcode: opcodes.continuation, payload: Buffer.alloc(30_000), isFinal: false }),
    frame({ opcode: opcodes.continuation, payload: Buffer.alloc(30_000) }),
  ],
  // One too large message.
  (random) => [frame({ opcode: random.pick([opcodes.text, opcodes.binary]), payload: Buffer.alloc(random.integer(65_537, 200_000), 0x20) })],
  // A continuation of nothing, and a new message within one.
  () => [frame({ opcode: opcodes.continuation, payload: hello })],
  () => [frame({ opcode: opcodes.text, payload: hello, isFinal: false }), frame({ opcode: opcodes.text, payload: hello })],
  // Control frames: a flood, too long, in parts.
  (random) => Array.from({ length: random.integer(1, 400) }, () => frame({ opcode: random.pick([opcodes.ping, opcodes.pong]), payload: random.bytes(8) })),
  () => [frame({ opcode: opcodes.ping, payload: Buffer.alloc(126) })],
  () => [frame({ opcode: opcodes.ping, payload: Buffer.alloc(5), isFinal: false })],
  // Closing with codes that may not be sent (§7.4), half a code, a reason that is not UTF-8, and twice.
  (random) => {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(random.pick([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]));
    return [frame({ opcode: opcodes.close, payload })];
  },
  () => [frame({ opcode: opcodes.close, payload: Buffer.alloc(1) })],
  () => [frame({ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8, 0xff, 0xfe]) })],
  () => [frame({ opcode: opcodes.close, payload: Buffer.alloc(0) }), frame({ opcode: opcodes.text, payload: hello })],
  // Text that is not UTF-8: a lone byte, an overlong form, a surrogate, beyond U+10FFFF, cut in the middle.
  (random) => [
    frame({
      opcode: opcodes.text,
      payload: Buffer.from(random.pick(["22ff22", "22c08022", "22eda08022", "22f490808022", "22e2"]), "hex"),
      mask: random.bytes(4),
    }),
  ],
  // Anything.
  (random) => [Buffer.from(random.bytes(random.integer(1, 2_000)))],
];
