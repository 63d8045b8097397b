/**
 * Every refusal that a client can meet, with its HTTP status and whether the same request may succeed later.
 *
 * This is the only table: docs/PROTOCOL.md repeats it and test/repository/protocol-doc.test.ts compares
 * the two in both directions. Codes are for programs and never change; sentences are for people and may.
 */
export const errors = {
  "frame.malformed": { status: 400, retryable: false, means: "The frame is not JSON (or MessagePack), or not text where text is spoken." },
  "frame.too_large": { status: 413, retryable: false, means: "The frame or the request body is over 64 KiB." },
  "frame.too_deep": { status: 400, retryable: false, means: "The frame nests deeper than 32 levels or has over 4,096 keys and elements." },
  "frame.forbidden_key": { status: 400, retryable: false, means: "An object has the key `__proto__`." },
  "frame.unknown_type": { status: 400, retryable: false, means: "No command has this `type`." },
  "frame.invalid": { status: 400, retryable: false, means: "A field is missing, unknown, of the wrong type or over its limit; `path` says which." },
  "auth.required": { status: 401, retryable: false, means: "Say `hello` with a token first, or send a bearer token or an API key." },
  "auth.invalid": { status: 401, retryable: false, means: "The token or key is not one of this server's: wrong key, algorithm, audience or form." },
  "auth.expired": { status: 401, retryable: true, means: "The token was good until its `exp`; get a new one and try again." },
  "auth.forbidden": { status: 403, retryable: false, means: "This caller may not do this: the route wants an API key, or the user is not the token's." },
  "auth.already": { status: 409, retryable: false, means: "This connection has said `hello` already." },
  "origin.forbidden": { status: 403, retryable: false, means: "The page's origin is not on the server's list." },
  "user.not_found": { status: 404, retryable: false, means: "No such user." },
  "user.blocked": { status: 403, retryable: false, means: "This user does not accept messages from you, or you block them; unblock them first." },
  "conversation.not_found": { status: 404, retryable: false, means: "No such conversation, or it is not yours." },
  "conversation.conflict": {
    status: 409,
    retryable: false,
    means: "This id is taken by a conversation that is not yours, or the group of this clientId is no longer yours.",
  },
  "conversation.direct": { status: 409, retryable: false, means: "A direct conversation has exactly its two members, no title and no roles." },
  "conversation.full": { status: 409, retryable: false, means: "The conversation has as many members as this server allows." },
  "conversation.read_only": { status: 403, retryable: false, means: "Only owners and admins write in this conversation." },
  "member.not_found": { status: 404, retryable: false, means: "That user is not a member of this conversation." },
  "member.forbidden": { status: 403, retryable: false, means: "Your role in this conversation does not allow this." },
  "member.last_owner": { status: 409, retryable: false, means: "The last owner makes somebody else owner first." },
  "send.conflict": { status: 409, retryable: false, means: "This clientId was already used for another message; use a new one." },
  "send.order": { status: 503, retryable: true, means: "The message that this one follows was refused; send that one again first, then this one." },
  "send.refused": { status: 403, retryable: false, means: "The product does not let this message through; the sentence says why." },
  "hook.failed": { status: 503, retryable: true, means: "The product's check of messages does not answer; try again with the same clientId." },
  "send.slow": { status: 429, retryable: true, means: "The conversation is in slow mode; wait `retryAfterMs` before your next message." },
  "message.not_found": { status: 404, retryable: false, means: "No message of this conversation has that seq." },
  "message.deleted": { status: 409, retryable: false, means: "The message was deleted; nothing can be done with it any more." },
  "message.forbidden": { status: 403, retryable: false, means: "The message is somebody else's." },
  "message.conflict": { status: 409, retryable: false, means: "The message was edited since the `rev` that you name; read it again." },
  "message.full": { status: 409, retryable: false, means: "The message has as many edits, different reactions or taps as one can have." },
  "interaction.not_found": { status: 404, retryable: false, means: "The message has no action of that id (any more), or no tap has that seq." },
  "interaction.expired": { status: 409, retryable: false, means: "The form's time is over; it takes no more answers." },
  "interaction.forbidden": {
    status: 403,
    retryable: false,
    means: "Nobody taps in a message of their own, and only the message's author answers a tap.",
  },
  "pin.full": { status: 409, retryable: false, means: "The conversation has as many pins as one can have." },
  "bot.required": { status: 403, retryable: false, means: "Only a bot does this, or the host's backend in a bot's name; `path` says which field it is about." },
  "stream.not_found": { status: 404, retryable: false, means: "The bot has no such stream under way; start it again, or finish it with its `content`." },
  "stream.gap": { status: 409, retryable: false, means: "The stream has less text than `offset` says; append what is missing first." },
  "stream.conflict": { status: 409, retryable: false, means: "The stream has another text at this `offset`." },
  "stream.full": {
    status: 409,
    retryable: false,
    means: "The stream's text would be over 5,000 code points, or the bot has 8 streams under way in this conversation; finish one.",
  },
  "control.lost": { status: 409, retryable: false, means: "The bot is not in charge (any more): a human is, or is waited for, or the epoch is another one." },
  "control.held": { status: 409, retryable: false, means: "Another agent is in charge; wait until they give the conversation back." },
  "control.no_bot": { status: 409, retryable: false, means: "Neither of the two is a bot, so there is nothing to take over." },
  "template.not_found": { status: 404, retryable: false, means: "The bot has no template of that id, or not in that version (any more)." },
  "template.conflict": { status: 409, retryable: false, means: "This version, or a newer one, is stored with other content; give it a new version." },
  "template.full": { status: 409, retryable: false, means: "The bot has as many templates as one can have; delete one." },
  "kind.not_found": { status: 404, retryable: false, means: "No kind of custom content is registered under this name." },
  "kind.declared": { status: 409, retryable: false, means: "The program that runs the server declares this kind; change it there." },
  "kind.full": { status: 409, retryable: false, means: "As many kinds of custom content are registered as there can be; delete one." },
  "webhook.not_found": { status: 404, retryable: false, means: "The bot has no webhook; register one with PUT /v1/bots/{bot}/webhook." },
  "hook.not_found": { status: 404, retryable: false, means: "The server runs without a hook after a commit, so nobody can be told; configure one." },
  "dead_letter.not_found": { status: 404, retryable: false, means: "There is no such dead letter: it was replayed, deleted, or made room for newer ones." },
  "rate.limited": { status: 429, retryable: true, means: "Too many requests; wait `retryAfterMs`." },
  "server.busy": { status: 503, retryable: true, means: "The server has too much under way; wait `retryAfterMs`." },
  "server.draining": { status: 503, retryable: true, means: "The server is being restarted; connect again." },
  "server.internal": { status: 500, retryable: true, means: "The server failed; the fault is logged. A send may be retried with the same clientId." },
  "store.read_only": {
    status: 503,
    retryable: true,
    means: "The disk is full, or the store is being moved; reading works, writing resumes when there is room, or when it was moved.",
  },
  "store.failed": { status: 503, retryable: true, means: "The store reported a failed write and has stopped; nothing unconfirmed was shown." },
  "route.not_found": { status: 404, retryable: false, means: "No such path; the routes are in /openapi.json." },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  /** HTTP status of the same refusal on `/v1`. */
  readonly status: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** One sentence for the table in docs/PROTOCOL.md. */
  readonly means: string;
}

export type ErrorCode = keyof typeof errors;

export interface SudaErrorOptions {
  /** Milliseconds after which a retry makes sense; only for retryable codes. */
  readonly retryAfterMs?: number;
  /** JSON pointer of the field that is wrong, such as `/content/text`. */
  readonly path?: string;
  readonly cause?: unknown;
}

/**
 * A refusal with a code of {@link errors}. Thrown by checks and by `access…`; whoever stands at the edge
 * (the chat consumer, the HTTP routes) turns it into an error reply. Its message goes to the client, so
 * it never holds secrets or what people wrote.
 */
export class SudaError extends Error {
  override readonly name: string = "SudaError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message?: string, options: SudaErrorOptions = {}) {
    super(message ?? errors[code].means, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = errors[code].retryable;
    this.status = errors[code].status;
    this.retryAfterMs = options.retryAfterMs;
    this.path = options.path;
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code);
}
