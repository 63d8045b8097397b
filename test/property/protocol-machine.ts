/**
 * A model of every connection beside the real one. For each frame that is sent it says what may be answered; for
 * each frame that comes it says whether it may come. What the domain decides is left open (`message.not_found` or a
 * reply), what the protocol promises is not: one answer for one command, nothing but refusals before `hello`,
 * nothing after the end, the documented close code, and no word of a conversation to a stranger.
 */
import assert from "node:assert/strict";
import { closeCodes, commandSchema, createValidator, errors, EventSchema, replySchema, type CommandType, type ServerFrame } from "@suda/protocol";
import { verifyStore } from "@suda/server/store";
import { conversationId, createTestGroup, signTestToken, textOf, userId, type TestServer } from "@suda/testing";
import type { SchemaNode } from "./schema-arbitrary.ts";
import { Audience } from "./audience.ts";
import type { Link, OpenLink } from "./protocol-link.ts";
import { expectedOf, expiryIn, otherThan, shortTokenMs, type ConnectionState, type Expected } from "./protocol-expectations.ts";
import { nonsenseBytes, nonsenseTexts, type FrameSpec, type Step } from "./protocol-steps.ts";

/** In everything that is said in the conversation of alice and bob. */
const canary = "canary-77c1";
const afterTheEnd = "after the end";
const helloTimeoutMs = 10_000;
const patienceMs = 3_000;

/** What a command of the domain is never refused with: these are the connection's or a fault. */
const foreignCodes = new Set(["auth.required", "auth.already", "auth.expired", "auth.invalid", "auth.forbidden", "frame.unknown_type", "frame.malformed"]);

interface Asked {
  readonly key: string;
  readonly what: string;
  /** Whether this may be its answer. */
  readonly fits: (frame: ServerFrame) => boolean;
  /** The fewer answers fit, the earlier an answer is taken for this one: refs may be used twice. */
  readonly isOpenEnded: boolean;
}

interface Connection {
  readonly link: Link;
  readonly name: string;
  /** Whose tokens it calls its own. */
  readonly user: string;
  readonly handshakeExpiresAt: number | undefined;
  state: ConnectionState;
  /** Who it said hello as; stays when it has ended. */
  speaksFor: string | undefined;
  /** When the token's time is over, once greeted. */
  expiresAt: number;
  asked: Asked[];
  /** The reply to hello has come. */
  isWelcome: boolean;
}

const eventValidator = createValidator(EventSchema);
const replyValidators = new Map<CommandType, ReturnType<typeof createValidator>>();

export class ProtocolMachine implements AsyncDisposable {
  readonly connections: Connection[] = [];
  readonly #suda: TestServer;
  readonly #openLink: OpenLink;
  readonly #isLimited: boolean;
  readonly #conversations: string[] = [];
  readonly #audience = new Audience();
  #vault = "";

  private constructor(suda: TestServer, openLink: OpenLink, isLimited: boolean) {
    this.#suda = suda;
    this.#openLink = openLink;
    this.#isLimited = isLimited;
  }

  /** The conversation of alice and bob, a group of them with carol, a group of mallory and eve; something is said in each. */
  static async open(suda: TestServer, openLink: OpenLink, { isLimited = false }: { readonly isLimited?: boolean } = {}): Promise<ProtocolMachine> {
    const machine = new ProtocolMachine(suda, openLink, isLimited);
    const [alice, mallory] = await Promise.all([suda.connect("alice"), suda.connect("mallory")]);
    const { conversation } = await alice.request({ type: "conversation.open", with: userId("bob") });
    const team = await createTestGroup(alice, ["bob", "carol"]);
    const theirs = await createTestGroup(mallory, ["eve"]);
    machine.#vault = conversation.id;
    machine.#conversations.push(conversation.id, team.id, theirs.id);
    // Later changes need something to change.
    for (const [who, id, text] of [
      [alice, conversation.id, canary],
      [alice, team.id, "hi"],
      [mallory, theirs.id, "hi"],
    ] as const)
      await who.request({ type: "message.send", conversation: id, clientId: "c0" as never, content: textOf(text) });
    for (const one of [alice, mallory]) await one[Symbol.asyncDispose]();
    for (const [index, user] of ["alice", "bob", "carol", "mallory"].entries())
      await machine.#connect({
        step: "connect",
        user,
        encoding: index % 2 === 0 ? "json" : "msgpack",
        hasHandshakeToken: false,
        isGreeted: true,
        isGreetingAwaited: true,
      });
    return machine;
  }

  async take(step: Step): Promise<void> {
    if (step.step === "connect") return this.#connect(step);
    if (step.step === "wait") return this.#wait(step.ms);
    const connection = this.connections[step.connection % this.connections.length];
    if (connection === undefined) return;
    if (step.step === "hang up") return this.#hangUp(connection);
    if (step.step === "say nonsense") return this.#sayNonsense(connection, step.nonsense);
    return this.#say(connection, step);
  }

  /** Everything is answered; then the whole is judged. */
  async finish(): Promise<void> {
    await this.#settle();
    for (const connection of this.connections) await this.#checkIdentity(connection);
    for (const { link, name } of this.connections) assert.equal(link.tooLate, 0, `${name} received something after its end`);
    const logs = await this.#audience.check(this.#suda.store);
    assert.doesNotMatch(logs, new RegExp(afterTheEnd), "a command after the end was carried out");
    const findings: string[] = [];
    await verifyStore(this.#suda.store, ({ kind, message }) => findings.push(`${kind}: ${message}`));
    assert.deepEqual(findings, []);
    assert.equal(await this.#suda.failures(), 0, "the server met an error that it did not expect");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { link } of this.connections) if (link.closedWith === undefined) await link.hangUp("");
  }

  // ── steps ───────────────────────────────────────────────────────────────────────────────────────────

  async #connect({ user, encoding, hasHandshakeToken, isGreeted, isGreetingAwaited }: Extract<Step, { step: "connect" }>): Promise<void> {
    const token = hasHandshakeToken ? this.#suda.token(user) : undefined;
    const link = await this.#openLink({ encoding, token });
    const now = this.#suda.clock.now();
    const connection: Connection = {
      link,
      name: `connection ${this.connections.length} of ${user}`,
      user,
      handshakeExpiresAt: token === undefined ? undefined : expiryIn(now, 3_600_000),
      state: { is: "new", since: now },
      speaksFor: undefined,
      expiresAt: Number.POSITIVE_INFINITY,
      asked: [],
      isWelcome: false,
    };
    this.connections.push(connection);
    if (isGreeted)
      await this.#say(connection, {
        frames: [{ command: { type: "hello", token: "token:own" }, ref: "greeting", flaw: "none" }],
        isArray: false,
        isAwaited: isGreetingAwaited,
      });
  }

  async #wait(ms: number): Promise<void> {
    await this.#settle();
    this.#suda.clock.advance(ms);
    const now = this.#suda.clock.now();
    for (const connection of this.connections) {
      const { state } = connection;
      if (state.is === "new" && now >= state.since + helloTimeoutMs) connection.state = { is: "closed", code: closeCodes.hello_timeout.code };
      else if (state.is === "greeted" && now >= connection.expiresAt) connection.state = { is: "closed", code: closeCodes.auth_expired.code };
    }
    await this.#settle();
  }

  async #hangUp(connection: Connection): Promise<void> {
    await this.#settle();
    const late = { type: "message.send", ref: 1, conversation: this.#vault, clientId: afterTheEnd.replaceAll(" ", "-"), content: textOf(afterTheEnd) };
    if (connection.state.is !== "closed") await connection.link.hangUp(encode(connection.link, late));
    connection.state = { is: "closed", code: connection.link.closedWith };
  }

  async #sayNonsense(connection: Connection, index: number): Promise<void> {
    const { codec } = connection.link;
    const all = codec.isText ? nonsenseTexts : nonsenseBytes;
    connection.link.send(all[index % all.length] ?? "");
    if (connection.state.is !== "closed") {
      connection.asked.push({ key: "none", what: "nonsense", isOpenEnded: false, fits: (frame) => frame.type === "error" && frame.code.startsWith("frame.") });
      connection.state = { is: "closed", code: closeCodes.malformed.code };
    }
    await this.#settle();
  }

  async #say(connection: Connection, { frames, isArray, isAwaited }: Pick<Extract<Step, { step: "say" }>, "frames" | "isArray" | "isAwaited">): Promise<void> {
    const isAlone = frames.length === 1 && this.connections.every(({ asked, state }) => asked.length === 0 || state.is === "closed");
    const resolved: object[] = [];
    for (const spec of frames) {
      const frame = await this.#resolve(connection, spec);
      resolved.push(frame);
      const expected = expectedOf(connection, spec, this.#suda.clock.now());
      if (connection.state.is === "closed") continue;
      connection.asked.push(await this.#askedOf(connection, { spec, frame, expected, isAlone }));
      connection.state = expected.next ?? connection.state;
      if (connection.state.is === "greeted") connection.speaksFor = connection.state.user;
      if (expected.expiresAt !== undefined) connection.expiresAt = expected.expiresAt;
    }
    connection.link.send(encode(connection.link, isArray ? resolved : (resolved[0] ?? {})));
    if (isAwaited) await this.#settle();
  }

  async #askedOf(
    connection: Connection,
    { spec, frame, expected, isAlone }: { spec: FrameSpec; frame: Readonly<Record<string, unknown>>; expected: Expected; isAlone: boolean },
  ): Promise<Asked> {
    const { type } = spec.command;
    const hasRef = spec.flaw !== "no ref" && spec.flaw !== "bad ref";
    const codes = [...expected.codes, ...(this.#isLimited && connection.state.is === "greeted" ? ["rate.limited"] : [])];
    const isStranger = isAlone && connection.state.is === "greeted" && (await this.#isStranger(connection.state.user, frame["conversation"]));
    const fits = (answer: ServerFrame): boolean => {
      if (answer.type === "reply") return expected.isReply && !isStranger && replyValidatorOf(type).is(answer);
      if (answer.type !== "error") return false;
      if (codes.includes(answer.code)) return true;
      if (!expected.isDomain || foreignCodes.has(answer.code) || answer.code === "server.internal") return false;
      // What is refused before the gate is refused for everybody.
      return !isStranger || answer.code === "conversation.not_found" || answer.code === "frame.invalid";
    };
    const what = `${type} (${spec.flaw}${isStranger ? ", as a stranger" : ""})`;
    return { key: hasRef ? keyOf(spec.ref) : "none", what, fits, isOpenEnded: expected.isDomain };
  }

  async #isStranger(user: string, conversation: unknown): Promise<boolean> {
    if (typeof conversation !== "string") return false;
    return (await this.#suda.store.conversations.member(conversationId(conversation), userId(user))) === undefined;
  }

  // ── what comes ──────────────────────────────────────────────────────────────────────────────────────

  /** Waits until everything is answered and every end that is due has come. */
  async #settle(): Promise<void> {
    const end = performance.now() + patienceMs;
    for (let quietTurns = 0; quietTurns < 2; ) {
      const isQuiet = this.connections.every(({ asked, state, link }) => (state.is === "closed" ? link.closedWith !== undefined : asked.length === 0));
      quietTurns = isQuiet ? quietTurns + 1 : 0;
      if (performance.now() > end) assert.fail(`No answer within ${patienceMs} ms: ${this.#describeWaiting()}`);
      for (const connection of this.connections) for (const frame of await connection.link.receive()) this.#receive(connection, frame);
    }
    for (const connection of this.connections) {
      const { state, link, name } = connection;
      if (state.is === "closed") connection.asked = [];
      assert.equal(
        link.closedWith,
        state.is === "closed" ? (state.code ?? link.closedWith) : undefined,
        `${name} was closed with another code, or was not to be closed`,
      );
    }
  }

  #describeWaiting(): string {
    return this.connections
      .flatMap(({ name, asked, state, link }) => [
        ...asked.map(({ what, key }) => `${name}: ${what} ${key}`),
        `${name} is ${state.is}, closed with ${link.closedWith}`,
      ])
      .join("; ");
  }

  #receive(connection: Connection, frame: ServerFrame): void {
    const { name } = connection;
    const text = JSON.stringify(frame);
    if (text.includes(canary)) assert.ok(["alice", "bob"].includes(connection.speaksFor ?? ""), `${name} received what alice and bob say: ${text}`);
    if (frame.type === "reply" || frame.type === "error") this.#receiveAnswer(connection, frame);
    else {
      assert.ok(eventValidator.is(frame), `${name} received an event that is none: ${text}`);
      assert.ok(connection.isWelcome, `${name} received an event before the reply to hello: ${text}`);
      this.#audience.told(connection.speaksFor ?? "", frame);
    }
  }

  #receiveAnswer(connection: Connection, frame: Extract<ServerFrame, { type: "reply" | "error" }>): void {
    const { name, asked } = connection;
    const text = JSON.stringify(frame);
    if (frame.type === "error") {
      assert.ok(Object.hasOwn(errors, frame.code), `${name}: the code ${frame.code} is in no table`);
      assert.equal(frame.retryable, errors[frame.code].retryable);
    }
    const key = frame.ref === undefined ? "none" : keyOf(frame.ref);
    const fitting = asked.filter((one) => one.key === key && one.fits(frame));
    const answered = fitting.find(({ isOpenEnded }) => !isOpenEnded) ?? fitting[0];
    assert.ok(
      answered !== undefined,
      `${name} was not to receive ${text}; it waits for ${asked.map(({ what, key: other }) => `${what} ${other}`).join(", ") || "nothing"}`,
    );
    asked.splice(asked.indexOf(answered), 1);
    if (frame.type !== "reply") return;
    if (!connection.isWelcome) {
      assert.equal(frame["user"], connection.speaksFor, `${name} was welcomed as somebody else, or answered before hello: ${text}`);
      connection.isWelcome = true;
    }
    if (typeof frame["expiresAt"] === "number") connection.expiresAt = frame["expiresAt"];
    const { conversation } = frame as { conversation?: { id: string } };
    if (conversation !== undefined && !this.#conversations.includes(conversation.id)) this.#conversations.push(conversation.id);
  }

  /** Whatever was tried, a connection speaks for the user that it said hello as. */
  async #checkIdentity(connection: Connection): Promise<void> {
    if (connection.state.is !== "greeted" || this.#isLimited) return;
    const isMine = (frame: ServerFrame): boolean => frame.type === "reply" && (frame["user"] as { id?: string }).id === connection.speaksFor;
    connection.asked.push({ key: keyOf("who"), what: "who am I", isOpenEnded: false, fits: isMine });
    connection.link.send(encode(connection.link, { type: "user.update", ref: "who", name: "me" }));
    await this.#settle();
  }

  // ── placeholders ────────────────────────────────────────────────────────────────────────────────────

  async #resolve(connection: Connection, { command, ref, flaw }: FrameSpec): Promise<Readonly<Record<string, unknown>>> {
    const frame: Record<string, unknown> = { ref, ...((await this.#resolveValue(connection, command)) as object) };
    if (frame["conversation"] === this.#vault) markSecret(frame);
    switch (flaw) {
      case "none":
        return frame;
      case "unknown type":
        return { ...frame, type: "nonsense.do" };
      case "extra field":
        return { ...frame, zzz: 1 };
      case "missing field": {
        const required = (commandSchema(command.type) as SchemaNode).required?.find((name) => name !== "type" && name !== "ref");
        const { [required ?? ""]: _, ...rest } = frame;
        return required === undefined ? { ...frame, zzz: 1 } : rest;
      }
      case "no ref": {
        const { ref: _, ...rest } = frame;
        return rest;
      }
      case "bad ref":
        return { ...frame, ref: -1 };
    }
  }

  async #resolveValue(connection: Connection, value: unknown): Promise<unknown> {
    if (typeof value === "string") return this.#resolveText(connection, value);
    if (Array.isArray(value)) return Promise.all(value.map((element) => this.#resolveValue(connection, element)));
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    const fields: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(value)) {
      const key = this.#resolveText(connection, name);
      fields[key] = await this.#resolveValue(connection, field);
      if (key !== name) await this.#resolveEpoch(key, fields[key]);
    }
    return fields;
  }

  #resolveText({ user }: Connection, text: string): string {
    const now = this.#suda.clock.now();
    if (text.startsWith("slot-")) return this.#conversations[Number(text.slice(5))] ?? text;
    switch (text) {
      case "token:own":
        return this.#suda.token(user);
      case "token:short":
        return this.#suda.token(user, { exp: expiryIn(now, shortTokenMs) / 1_000 });
      case "token:other":
        return this.#suda.token(otherThan(user));
      case "token:forged":
        return signTestToken(
          { sub: user, exp: expiryIn(now, 3_600_000) / 1_000 },
          { secret: new TextEncoder().encode("another secret, also of at least 32 bytes") },
        );
      case "token:expired":
        return this.#suda.token(user, { exp: expiryIn(now, -60_000) / 1_000 });
      default:
        return text;
    }
  }

  async #resolveEpoch(id: string, cursor: unknown): Promise<void> {
    const record = await this.#suda.store.conversations.get(conversationId(id));
    const fields = cursor as { epoch?: string };
    if (record !== undefined && fields.epoch === "right") fields.epoch = record.epoch;
  }
}

function keyOf(ref: unknown): string {
  return `${typeof ref} ${String(ref)}`;
}

function replyValidatorOf(type: CommandType): ReturnType<typeof createValidator> {
  let validator = replyValidators.get(type);
  if (validator === undefined) replyValidators.set(type, (validator = createValidator(replySchema(type))));
  return validator;
}

function encode({ codec }: Link, frame: object): string | Uint8Array {
  const bytes = codec.encode(frame);
  return codec.isText ? new TextDecoder().decode(bytes) : bytes;
}

/** What is written into the conversation of two carries what nobody else may ever read. */
function markSecret(frame: Record<string, unknown>): void {
  const content = frame["content"];
  if (typeof content === "object" && content !== null && "text" in content)
    frame["content"] = { type: "text", text: `${canary} ${String(content.text).slice(0, 100).toWellFormed()}` };
  if (typeof frame["data"] === "object") frame["data"] = { note: canary };
}
