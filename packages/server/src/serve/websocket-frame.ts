/**
 * The bytes of one unmasked, unfragmented WebSocket message (RFC 6455 §5.2), as a server sends it. Made
 * once and written to every socket that gets the same message; ws itself would make a header per socket.
 */
export function frameMessage(payload: Uint8Array, isText: boolean): Buffer {
  const length = payload.byteLength;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = isText ? 0x81 : 0x82; // FIN and the opcode
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length % 2 ** 32, 6);
  }
  frame.set(payload, headerLength);
  return frame;
}
