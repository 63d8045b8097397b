/**
 * All bots with a webhook: their registrations, and which of them this process delivers to. With several processes on one
 * store a lease per bot says which one it is.
 *
 * What holds with several: each event at least once, whatever happens to a process. In order per conversation, and without
 * doubles, as long as there is one holder; a process that stood still for longer than its lease may deliver one event again that
 * another has delivered meanwhile, with the same id.
 */
import { SudaError, type DeadLetter, type LogEvent, type Timer, type UserId, type Webhook } from "@suda/protocol";
import type { Channel, LayerEvent } from "../channel-layer/channel-layer.ts";
import type { BotWebhooks, Replay, WebhookFields } from "../chat/bot-webhooks.ts";
import { accessBot } from "../chat/bots.ts";
import type { Actor } from "../chat/context.ts";
import { holdLease, leaveLease, type LeaseOptions } from "../followers/lease.ts";
import { replayLetters, type LettersReplayed } from "../followers/replay-letters.ts";
import { deleteTroubles, readTroubles, type Trouble } from "../followers/retries.ts";
import { OutgoingError } from "../outgoing/outgoing-error.ts";
import { replayLetter } from "./replay-letter.ts";
import { WebhookBot, type WebhookEnvironment } from "./webhook-bot.ts";
import {
  changeRegistration,
  deleteRegistration,
  eventsOf,
  firstSecret,
  leaseKeyOf,
  listRegistrations,
  readRegistration,
  readTally,
  secretsAt,
  troublePrefixOf,
  withNewSecret,
  type Registration,
} from "./webhook-registration.ts";

export interface WebhooksOptions extends Omit<WebhookEnvironment, "onGone"> {
  /** How long this process is the one that delivers to a bot without saying so again; 0: there is no other process. */
  readonly leaseMs: number;
}

/** To all processes: a registration is new, changed or gone. */
interface WebhookChanged extends LayerEvent {
  readonly type: "webhook.changed";
  readonly bot: UserId;
}

const group = "webhooks";
/** Until a failing start is tried again. */
const restartMs = 5_000;
/** For what the layer may have lost, where it connects processes. */
const beatMs = 60_000;
const troublesCounted = 100;

export class Webhooks implements BotWebhooks, AsyncDisposable {
  readonly #options: WebhooksOptions;
  readonly #environment: WebhookEnvironment;
  readonly #lease: LeaseOptions;
  readonly #bots = new Map<UserId, WebhookBot>();
  /** What is being done about a bot's registration; one thing after the other. */
  readonly #reloading = new Map<UserId, Promise<void>>();
  readonly #channel: Channel;
  readonly #timers = new Set<Timer>();
  readonly #started: Promise<void>;
  #isStopped = false;

  constructor(options: WebhooksOptions) {
    const { context, leaseMs } = options;
    this.#options = options;
    this.#environment = { ...options, onGone: (bot) => this.#reload(bot) };
    const holder = Buffer.from(context.random.bytes(16)).toString("base64url");
    this.#lease = { documents: context.store.documents, clock: context.clock, holder, leaseMs };
    this.#channel = context.layer.open((event) => this.#onLayerEvent(event));
    this.#started = this.#start();
    if (leaseMs > 0) this.#every(leaseMs / 3, () => this.#reloadAll());
    if (leaseMs > 0) this.#every(beatMs, () => this.#lookAtAll());
  }

  // ── figures ─────────────────────────────────────────────────────────────────────────────────────────

  /** Conversations with something to be delivered by this process, as far as is known. */
  get pending(): number {
    return this.#sum(({ pending }) => pending);
  }

  /** How long the delivery that has been failing longest has been failing; 0 when none is. */
  get oldestFailureMs(): number {
    const now = this.#options.context.clock.now();
    return Math.max(0, ...Array.from(this.#bots.values(), ({ failingSince = now }) => now - failingSince));
  }

  // ── what can be done ────────────────────────────────────────────────────────────────────────────────

  async put(actor: Actor, bot: UserId, fields: WebhookFields): Promise<{ readonly webhook: Webhook; readonly secret?: string }> {
    const { context, outgoing } = this.#options;
    await accessBot(context, actor, bot);
    try {
      outgoing.checkUrl(fields.url);
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error;
      throw new SudaError("frame.invalid", `/url: ${error.message}`, { path: "/url" });
    }
    const now = context.clock.now();
    const { events } = fields;
    const { before, after } = await changeRegistration(context.store.documents, bot, (old) => ({
      url: fields.url,
      ...(events === undefined ? {} : { events }),
      createdAt: old?.createdAt ?? now,
      secrets: old?.secrets ?? [firstSecret(context.random, now)],
    }));
    if (after === undefined) throw new Error("A registration that was written is there.");
    await this.#changed(bot);
    const webhook = await this.#view(bot, after);
    const secret = after.secrets[0]?.secret;
    return before === undefined && secret !== undefined ? { webhook, secret } : { webhook };
  }

  async get(actor: Actor, bot: UserId): Promise<Webhook> {
    return this.#view(bot, await this.#access(actor, bot));
  }

  async delete(actor: Actor, bot: UserId): Promise<void> {
    const { documents } = this.#options.context.store;
    await this.#access(actor, bot);
    if (!(await deleteRegistration(documents, bot))) throw new SudaError("webhook.not_found");
    await this.#changed(bot);
    // After it was told to stop: an attempt that was under way may write one more, which a later registration reads.
    await deleteTroubles({ documents, prefix: troublePrefixOf(bot) });
  }

  async rotateSecret(actor: Actor, bot: UserId, overlapMs: number): Promise<{ readonly secret: string; readonly webhook: Webhook }> {
    const { context } = this.#options;
    await this.#access(actor, bot);
    const now = context.clock.now();
    const { after } = await changeRegistration(context.store.documents, bot, (old) =>
      old === undefined ? undefined : withNewSecret(old, context.random, { now, overlapMs }),
    );
    const secret = after?.secrets[0]?.secret;
    if (after === undefined || secret === undefined) throw new SudaError("webhook.not_found");
    await this.#changed(bot);
    return { secret, webhook: await this.#view(bot, after) };
  }

  async listDeadLetters(actor: Actor, bot: UserId, page: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]> {
    await accessBot(this.#options.context, actor, bot);
    return this.#options.deadLetters.list(bot, page.after, page.limit);
  }

  async replayDeadLetter(actor: Actor, bot: UserId, id: string): Promise<Replay> {
    const registration = await this.#access(actor, bot);
    const letter = await this.#options.deadLetters.get(bot, id);
    if (letter === undefined) throw new SudaError("dead_letter.not_found");
    return replayLetter(this.#options, { bot, registration, letter });
  }

  async replayDeadLetters(actor: Actor, bot: UserId): Promise<LettersReplayed<Replay>> {
    const { context, deadLetters } = this.#options;
    const registration = await this.#access(actor, bot);
    const replay = (letter: DeadLetter): Promise<Replay> => replayLetter(this.#options, { bot, registration, letter });
    return replayLetters({ clock: context.clock, deadLetters, owner: bot, replay });
  }

  async deleteDeadLetter(actor: Actor, bot: UserId, id: string): Promise<void> {
    await accessBot(this.#options.context, actor, bot);
    if (!(await this.#options.deadLetters.delete(bot, id))) throw new SudaError("dead_letter.not_found");
  }

  async deleteDeadLetters(actor: Actor, bot: UserId): Promise<number> {
    await accessBot(this.#options.context, actor, bot);
    return this.#options.deadLetters.deleteAll(bot);
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────

  /** Begins no further delivery, and cuts those that have not ended after `timeoutMs`, default 10 s. Twice is fine. */
  async stop(timeoutMs = 10_000): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#channel.close();
    await this.#started;
    await Promise.all(this.#reloading.values());
    const cut = this.#options.context.clock.schedule(timeoutMs, () => {
      for (const bot of this.#bots.values()) bot.cut();
    });
    await Promise.all(Array.from(this.#bots.values(), (bot) => bot.stop()));
    cut.cancel();
  }

  /** Cuts what is under way: it is delivered again after a restart, with the same ids. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const bot of this.#bots.values()) bot.cut();
    await this.stop();
    for (const bot of this.#bots.keys()) await leaveLease(this.#lease, leaseKeyOf(bot)).catch(this.#options.onFailure);
    this.#bots.clear();
  }

  // ── who is delivered to ─────────────────────────────────────────────────────────────────────────────

  async #start(): Promise<void> {
    const { context, onFailure } = this.#options;
    try {
      await context.layer.groupAdd(group, this.#channel);
      await this.#reloadAll();
    } catch (error) {
      if (this.#isStopped) return;
      onFailure(error);
      this.#after(restartMs, () => this.#start());
    }
  }

  /** All that are registered, and those that were. */
  async #reloadAll(): Promise<void> {
    const bots = new Set<UserId>(this.#bots.keys());
    for await (const bot of listRegistrations(this.#options.context.store.documents)) bots.add(bot);
    for (const bot of bots) this.#reload(bot, { isRenewal: true });
    await Promise.all(this.#reloading.values());
  }

  async #lookAtAll(): Promise<void> {
    for (const bot of this.#bots.values()) await bot.lookAtAll();
  }

  /** After what is being done about it already; never rejects. */
  #reload(bot: UserId, { isRenewal = false }: { readonly isRenewal?: boolean } = {}): void {
    const { onFailure } = this.#options;
    const before = this.#reloading.get(bot) ?? Promise.resolve();
    const reload = before
      .then(() => this.#bring(bot, isRenewal))
      .catch((error: unknown) => {
        onFailure(error);
        this.#after(restartMs, async () => this.#reload(bot));
      })
      .finally(() => {
        if (this.#reloading.get(bot) === reload) this.#reloading.delete(bot);
      });
    this.#reloading.set(bot, reload);
  }

  /** @param isRenewal nothing has changed but time: one that is open stays as it is, if the lease is still held */
  async #bring(bot: UserId, isRenewal: boolean): Promise<void> {
    if (this.#isStopped) return;
    const { documents } = this.#options.context.store;
    const registration = await readRegistration(documents, bot);
    const isWanted = registration !== undefined && registration.disabledAt === undefined;
    const isHeld = isWanted && (await holdLease(this.#lease, leaseKeyOf(bot)));
    const open = this.#bots.get(bot);
    if (open !== undefined && isHeld) {
      if (!isRenewal) open.update(registration);
      return;
    }
    if (open !== undefined) {
      this.#bots.delete(bot);
      await open[Symbol.asyncDispose]();
    }
    if (!isWanted && open !== undefined) await leaveLease(this.#lease, leaseKeyOf(bot));
    if (isHeld && !this.#hasStopped()) this.#bots.set(bot, await WebhookBot.open(this.#environment, bot, registration));
  }

  /** A call, because TypeScript believes that a field does not change during an await. */
  #hasStopped(): boolean {
    return this.#isStopped;
  }

  async #changed(bot: UserId): Promise<void> {
    const event: WebhookChanged = { type: "webhook.changed", bot };
    await this.#options.context.layer.groupSend(group, event);
  }

  #onLayerEvent(event: LayerEvent): void | Promise<void> {
    if (event.type === "webhook.changed") this.#reload((event as WebhookChanged).bot);
    else if (event.type === "layer.dropped") return this.#reloadAll();
  }

  // ── timers ──────────────────────────────────────────────────────────────────────────────────────────

  #after(ms: number, work: () => Promise<void>): void {
    if (this.#isStopped) return;
    const { clock } = this.#options.context;
    const timer = clock.schedule(ms, () => {
      this.#timers.delete(timer);
      void work().catch(this.#options.onFailure);
    });
    this.#timers.add(timer);
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#after(ms, () => work().finally(() => this.#every(ms, work)));
  }

  // ── views ───────────────────────────────────────────────────────────────────────────────────────────

  /** @throws SudaError auth.forbidden, user.not_found, webhook.not_found */
  async #access(actor: Actor, bot: UserId): Promise<Registration> {
    const { context } = this.#options;
    await accessBot(context, actor, bot);
    const registration = await readRegistration(context.store.documents, bot);
    if (registration === undefined) throw new SudaError("webhook.not_found");
    return registration;
  }

  async #view(bot: UserId, registration: Registration): Promise<Webhook> {
    const { context, deadLetters } = this.#options;
    const { documents } = context.store;
    const { url, createdAt, disabledAt } = registration;
    const secrets = secretsAt(registration, context.clock.now()).map(({ createdAt: at, until }) => ({
      createdAt: at,
      ...(until === undefined ? {} : { until }),
    }));
    const tally = await readTally(documents, bot);
    return {
      url,
      events: [...eventsOf(registration)] as LogEvent["type"][],
      createdAt,
      ...(disabledAt === undefined ? {} : { disabledAt }),
      secrets,
      // Written by whichever process delivers.
      status: { ...(await this.#troubles(bot)), ...tally, deadLetters: await deadLetters.count(bot) } as Webhook["status"],
    };
  }

  async #troubles(bot: UserId): Promise<Pick<Webhook["status"], "failing" | "failingSince" | "nextTryAt" | "lastError">> {
    const troubles: Trouble[] = [];
    for await (const trouble of readTroubles({ documents: this.#options.context.store.documents, prefix: troublePrefixOf(bot) }, troublesCounted))
      troubles.push(trouble);
    const last = troubles.reduce<Trouble | undefined>((a, b) => (a !== undefined && a.lastFailureAt >= b.lastFailureAt ? a : b), undefined);
    if (last === undefined) return { failing: 0 };
    const { lastFailureAt: at, code, message, conversation, seq, attempts } = last;
    return {
      failing: troubles.length,
      failingSince: Math.min(...troubles.map(({ firstFailureAt }) => firstFailureAt)),
      nextTryAt: Math.min(...troubles.map(({ nextTryAt }) => nextTryAt)),
      lastError: { at, code, message, conversation, seq, attempts },
    };
  }

  #sum(of: (bot: WebhookBot) => number): number {
    let sum = 0;
    for (const bot of this.#bots.values()) sum += of(bot);
    return sum;
  }
}
