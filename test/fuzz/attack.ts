/**
 * One hostile connection from its beginning to its end. What it demands of the server: every command whose
 * `ref` can be read is answered with a reply or a coded error, or the connection is closed with a code of the
 * table; and nothing of anybody else's conversation is ever received.
 */
import { connect } from "node:net";
import { closeCodes, codecs, decodeCommands, decodeServerFrames, isErrorCode, SudaError, type Codec, type ServerFrame } from "@suda/protocol";
import { RawWebSocket, type SeededRandom } from "@suda/testing";
import { canary } from "./healthy-pair.ts";
import { nextHostileMessage, type HostileMessage } from "./hostile-messages.ts";
import { hostileFrames, hostileHandshake } from "./hostile-sockets.ts";

export interface AttackTarget {
  readonly url: string;
  readonly tokenOf: (user: string) => string;
  /** A conversation that is not the attacker's. */
  readonly foreignConversation: string;
}

export interface AttackTally {
  frames: number;
  replies: number;
  readonly errors: Map<string, number>;
  readonly closes: Map<number, number>;
  /** What the server did that it may not. */
  readonly faults: string[];
}

/** After this long without an answer the server is taken to hang. */
const patienceMs = 30_000;

/** Runs one connection with at most `maxFrames` frames. `name` makes its user and its address. */
export async function attack(
  target: AttackTarget,
  { random, name, maxFrames, tally }: { random: SeededRandom; name: number; maxFrames: number; tally: AttackTally },
): Promise<void> {
  const session = { target, random, name, maxFrames, tally, localAddress: `127.0.${1 + (name % 200)}.${1 + (Math.floor(name / 200) % 250)}` };
  const dice = random.float();
  if (dice < 0.06) return attackHandshake(session);
  if (dice < 0.18) return attackFrames(session);
  return attackMessages(session);
}

interface Session {
  readonly target: AttackTarget;
  readonly random: SeededRandom;
  readonly name: number;
  readonly maxFrames: number;
  readonly tally: AttackTally;
  readonly localAddress: string;
}

async function attackHandshake({ target, random, tally, localAddress }: Session): Promise<void> {
  const { hostname, port } = new URL(target.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  const isOver = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  // Whatever it answers; a handshake that was let through ends with the socket.
  socket.on("data", () => socket.destroy());
  socket.write(hostileHandshake(random), () => {
    if (random.isTrue(0.5)) socket.end();
    // Without an end the server waits for the rest; a client that goes away without a word is the other half.
    else setImmediate(() => (random.isTrue(0.5) ? socket.resetAndDestroy() : socket.destroy()));
  });
  socket.on("end", () => socket.destroy());
  tally.frames++;
  await withPatience(isOver, "a hostile handshake was not ended", tally);
  socket.destroy();
}

async function attackFrames({ target, random, tally, localAddress }: Session): Promise<void> {
  const websocket = await RawWebSocket.open(`${target.url}/v1/socket`, { localAddress, onMessage: (payload) => void checkPayload(jsonOf(), payload, tally) });
  const { bytes, frames } = hostileFrames(random);
  tally.frames += frames;
  // In pieces, now and then, so that frames are cut where packets are.
  for (let at = 0; at < bytes.byteLength; ) {
    const size = random.isTrue(0.7) ? bytes.byteLength : random.integer(1, 50_000);
    websocket.write(bytes.subarray(at, at + size));
    at += size;
  }
  // What the server makes of it is its business; then this client is gone, by close frame, by end or by reset.
  if (random.isTrue(0.5)) await withPatience(Promise.race([websocket.closed, delay(20)]), "unreachable", tally);
  if (random.isTrue(0.3)) websocket.socket.resetAndDestroy();
  else if (random.isTrue(0.5)) websocket.destroy();
  else {
    websocket.socket.end();
    await Promise.race([websocket.closed, delay(200)]);
    websocket.destroy();
  }
  countClose(await websocket.closed, tally);
}

async function attackMessages(session: Session): Promise<void> {
  const { target, random, name, maxFrames, tally, localAddress } = session;
  const codec = random.pick(codecs);
  const user = `mallory-${name}`;
  const unanswered = new Map<unknown, number>();
  const own: string[] = [];
  let onAnswer = (): void => {};
  const websocket = await RawWebSocket.open(`${target.url}/v1/socket`, {
    ...(codec.isText && random.isTrue(0.3) ? {} : { subprotocol: codec.subprotocol }),
    localAddress,
    onMessage: (payload) => {
      for (const frame of checkPayload(codec, payload, tally)) {
        if (frame.type === "reply" && typeof frame["conversation"] === "object") own.push((frame["conversation"] as { id: string }).id);
        if (frame.type !== "reply" && frame.type !== "error") continue;
        const left = (unanswered.get(frame.ref) ?? 0) - 1;
        if (frame.ref !== undefined && left < 0)
          tally.faults.push(`an answer to ${JSON.stringify(frame.ref)}, which was not asked: ${JSON.stringify(frame).slice(0, 300)}`);
        if (left > 0) unanswered.set(frame.ref, left);
        else unanswered.delete(frame.ref);
      }
      onAnswer();
    },
    onClose: () => onAnswer(),
  });
  const send = (message: HostileMessage): "refused" | "read" => {
    const expected = refsOf(codec, message);
    for (const ref of expected ?? []) unanswered.set(ref, (unanswered.get(ref) ?? 0) + 1);
    websocket.send(message);
    tally.frames++;
    return expected === undefined ? "refused" : "read";
  };
  const command = (fields: object): HostileMessage => (codec.isText ? JSON.stringify(fields) : Buffer.from(codec.encode(fields)));
  const count = random.integer(1, Math.min(120, maxFrames));
  const helloAt = random.isTrue(0.75) ? 0 : random.integer(0, count * 2);
  let isRefused = false;
  for (let i = 0; i < count && websocket.isOpen && !isRefused; i++) {
    if (i === helloAt) {
      send(command({ type: "hello", ref: 1, token: random.isTrue(0.95) ? target.tokenOf(user) : badToken(target.tokenOf(user), random) }));
      send(command({ type: "conversation.create", ref: 2, title: "own", members: [`mallory-${name + 1}`] }));
      // With the answers come conversations of its own, in which more can be tried.
      if (random.isTrue(0.7)) await untilAnswered();
    }
    const conversations = [target.foreignConversation, "g.01ARZ3NDEKTSV4RRFFQ69G5FAV", "d.none", ...own, ...own];
    const users = [user, `mallory-${name + 1}`, "alice", "bob", "~system", "nobody"];
    const message = nextHostileMessage({ codec, random, conversations, users }, 10 + i);
    isRefused = send(message) === "refused";
    if (isRefused) {
      const expected = closeCodeFor(message);
      await withPatience(websocket.closed, `a message that is no frame was not refused: ${preview(message)}`, tally);
      const code = await websocket.closed;
      // 1006: the reset overtook the close frame, because the server had not read everything.
      if (code !== expected && code !== 1006 && !isPriorClose(code)) tally.faults.push(`closed with ${code} instead of ${expected}: ${preview(message)}`);
    } else if (random.isTrue(0.1)) await untilAnswered();
  }
  // Commands are answered in order, so that behind the answer to this one nothing can be outstanding.
  if (websocket.isOpen) {
    send(command({ type: "conversation.list", ref: 9, limit: 1 }));
    await untilAnswered();
  }
  websocket.destroy();
  countClose(await websocket.closed, tally);

  async function untilAnswered(): Promise<void> {
    const isAnswered = new Promise<void>((resolve) => {
      onAnswer = () => {
        if (unanswered.size === 0 || !websocket.isOpen) resolve();
      };
      onAnswer();
    });
    await withPatience(isAnswered, `no answer to ${JSON.stringify([...unanswered.keys()]).slice(0, 200)}`, tally);
    onAnswer = () => {};
  }
}

/** The refs that the server has to answer, or `undefined` when the message is to be refused as a whole. */
function refsOf(codec: Codec, message: HostileMessage): unknown[] | undefined {
  if (Buffer.byteLength(message) > 65_536) return undefined;
  try {
    return decodeCommands(codec, message).flatMap((decoded) => {
      const ref = "command" in decoded ? decoded.command.ref : decoded.ref;
      return ref === undefined ? [] : [ref];
    });
  } catch (error) {
    if (error instanceof SudaError) return undefined;
    throw error;
  }
}

function closeCodeFor(message: HostileMessage): number {
  return Buffer.byteLength(message) > 65_536 ? closeCodes.too_large.code : closeCodes.malformed.code;
}

/** Something sent before was reason enough: a bad token, or too much. */
function isPriorClose(code: number): boolean {
  return code === closeCodes.auth_invalid.code || code === closeCodes.auth_expired.code || code === closeCodes.flooding.code;
}

/** The frames of one message from the server; faults are noted. */
function checkPayload(codec: Codec, payload: Buffer, tally: AttackTally): readonly ServerFrame[] {
  if (payload.includes(canary)) tally.faults.push("an attacker received a text of somebody else's conversation");
  const frames = decodeServerFrames(codec, codec.isText ? payload.toString() : payload);
  for (const frame of frames) {
    if (frame.type === "reply") tally.replies++;
    if (frame.type !== "error") continue;
    tally.errors.set(frame.code, (tally.errors.get(frame.code) ?? 0) + 1);
    if (!isErrorCode(frame.code)) tally.faults.push(`an error with the unknown code ${JSON.stringify(frame.code)}`);
    if (frame.code === "server.internal") tally.faults.push(`server.internal for ref ${JSON.stringify(frame.ref)}`);
  }
  return frames;
}

function badToken(token: string, random: SeededRandom): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  return random.pick([`${header}.${payload}.`, `${none}.${payload}.`, `${header}.${payload}.${signature.slice(1)}x`, "", "x", "a.b.c", token.slice(0, -4)]);
}

function countClose(code: number, tally: AttackTally): void {
  tally.closes.set(code, (tally.closes.get(code) ?? 0) + 1);
}

async function withPatience(event: Promise<unknown>, fault: string, tally: AttackTally): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      tally.faults.push(fault);
      resolve();
    }, patienceMs);
  });
  await Promise.race([event, impatience]);
  clearTimeout(timer);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function jsonOf(): Codec {
  return codecs[0] as Codec;
}

function preview(message: HostileMessage): string {
  return JSON.stringify((typeof message === "string" ? message : message.toString("hex")).slice(0, 200));
}
