/**
 * A bot's stored templates. One document per bot names its templates and their versions; each version is a document of its
 * own, written before the one that names it, so that what is named is there. A version never changes: whoever sent it knows
 * what was said. Rule T14.
 */
import { isDeepStrictEqual } from "node:util";
import { checkTemplate, SudaError, templateLimits, type StoredTemplate, type UserId } from "@suda/protocol";
import { documentMaxBytes } from "../store/documents.ts";
import { accessBot, documentAttempts } from "./bots.ts";
import type { Actor, ChatContext } from "./context.ts";

/** Ascending by version; the place is the end of the key of the version's document. */
type Versions = readonly (readonly [version: number, place: string])[];

interface TemplateIndex {
  /** Of the document; 0 for none. */
  readonly at: number;
  readonly templates: ReadonlyMap<string, Versions>;
}

export interface TemplateVersions {
  readonly id: string;
  readonly versions: number[];
}

/** Of a template that nobody names: a crash left it, or a put that is still under way. The latter is not as old. */
const leftoverMs = 3_600_000;
const leftoverPage = 20;

/** @throws SudaError auth.forbidden, user.not_found, frame.invalid, template.conflict, template.full, server.busy */
export async function putTemplate(context: ChatContext, actor: Actor, bot: UserId, template: StoredTemplate): Promise<StoredTemplate> {
  await accessBot(context, actor, bot);
  checkStorable(template);
  const { documents } = context.store;
  const place = newPlace(context);
  const key = versionKey(bot, template.id, place);
  let isWritten = false;
  for (let attempt = 0; attempt < documentAttempts; attempt++) {
    const index = await readIndex(context, bot);
    const versions = index.templates.get(template.id) ?? [];
    const answer = await judge(context, bot, template, index);
    if (answer !== "new") {
      if (isWritten) await documents.delete("templates", key);
      if (answer !== "same") throw answer;
      return template;
    }
    if (!isWritten) await documents.put("templates", key, template);
    isWritten = true;
    const all: Versions = [...versions, [template.version, place]];
    const kept = all.slice(-templateLimits.templateVersionsMax);
    if (!(await writeIndex(context, bot, index, new Map([...index.templates, [template.id, kept]])))) continue;
    for (const [, dropped] of all.slice(0, -templateLimits.templateVersionsMax)) await documents.delete("templates", versionKey(bot, template.id, dropped));
    await sweep(context, bot, template.id, kept);
    return template;
  }
  await documents.delete("templates", key);
  throw new SudaError("server.busy", "The templates of this bot change too fast; try again.", { retryAfterMs: 200 });
}

/** The newest version, or the one that is named. @throws SudaError auth.forbidden, user.not_found, template.not_found */
export async function getTemplate(context: ChatContext, actor: Actor, bot: UserId, id: string, version?: number): Promise<StoredTemplate> {
  await accessBot(context, actor, bot);
  for (let attempt = 0; attempt < documentAttempts; attempt++) {
    const versions = (await readIndex(context, bot)).templates.get(id);
    const named = version === undefined ? versions?.at(-1) : versions?.find(([one]) => one === version);
    if (named === undefined) throw notFound(id, version, versions);
    const template = await readVersion(context, bot, id, named[1]);
    // Gone between the two reads: the names are read again.
    if (template !== undefined) return template;
  }
  throw new SudaError("server.busy", "The templates of this bot change too fast; try again.", { retryAfterMs: 200 });
}

/** Those that are kept of the versions below one, newest first. None when the template is gone. @throws SudaError auth.forbidden, user.not_found */
export async function olderVersions(context: ChatContext, actor: Actor, bot: UserId, id: string, below: number): Promise<readonly StoredTemplate[]> {
  await accessBot(context, actor, bot);
  const versions = (await readIndex(context, bot)).templates.get(id) ?? [];
  const older = versions.filter(([version]) => version < below).toReversed();
  const templates = await Promise.all(older.map(([, place]) => readVersion(context, bot, id, place)));
  // Dropped between the two reads: whoever comes so late finds it no more.
  return templates.filter((template) => template !== undefined);
}

/** By id. @throws SudaError auth.forbidden, user.not_found */
export async function listTemplates(context: ChatContext, actor: Actor, bot: UserId): Promise<readonly TemplateVersions[]> {
  await accessBot(context, actor, bot);
  const { templates } = await readIndex(context, bot);
  return [...templates].map(([id, versions]) => ({ id, versions: versions.map(([version]) => version) })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** With all its versions. @throws SudaError auth.forbidden, user.not_found, template.not_found, server.busy */
export async function deleteTemplate(context: ChatContext, actor: Actor, bot: UserId, id: string): Promise<void> {
  await accessBot(context, actor, bot);
  for (let attempt = 0; attempt < documentAttempts; attempt++) {
    const index = await readIndex(context, bot);
    const versions = index.templates.get(id);
    if (versions === undefined) throw notFound(id, undefined, undefined);
    const left = new Map([...index.templates].filter(([one]) => one !== id));
    if (!(await writeIndex(context, bot, index, left))) continue;
    for (const [, place] of versions) await context.store.documents.delete("templates", versionKey(bot, id, place));
    return;
  }
  throw new SudaError("server.busy", "The templates of this bot change too fast; try again.", { retryAfterMs: 200 });
}

function checkStorable(template: StoredTemplate): void {
  const fault = checkTemplate(template);
  if (fault !== undefined) throw new SudaError("frame.invalid", fault.message, { path: fault.path });
  const bytes = Buffer.byteLength(JSON.stringify(template));
  if (bytes > documentMaxBytes)
    throw new SudaError("frame.invalid", `/locales makes the template ${bytes} bytes as JSON; at most ${documentMaxBytes} are stored, so split it.`, {
      path: "/locales",
    });
}

/** Whether it may be stored, is stored already, or why not. */
async function judge(context: ChatContext, bot: UserId, template: StoredTemplate, { templates }: TemplateIndex): Promise<"new" | "same" | SudaError> {
  const { id, version } = template;
  const versions = templates.get(id);
  if (versions === undefined) return templates.size < templateLimits.templatesPerBotMax ? "new" : new SudaError("template.full");
  const latest = versions.at(-1)?.[0] ?? 0;
  if (version > latest) return "new";
  const same = versions.find(([one]) => one === version);
  if (same !== undefined && isDeepStrictEqual(await readVersion(context, bot, id, same[1]), JSON.parse(JSON.stringify(template)))) return "same";
  const what = same === undefined ? `Version ${version} is older than the latest` : `Version ${version} is stored with other content`;
  return new SudaError("template.conflict", `${what}; give it version ${latest + 1} or higher.`, { path: "/version" });
}

async function readIndex({ store }: ChatContext, bot: UserId): Promise<TemplateIndex> {
  const document = await store.documents.get("templates", bot);
  const { templates = [] } = (document?.value ?? {}) as { readonly templates?: readonly (readonly [string, Versions])[] };
  return { at: document?.version ?? 0, templates: new Map(templates) };
}

/** Whether it was written; not when somebody else was faster. */
async function writeIndex({ store }: ChatContext, bot: UserId, { at }: TemplateIndex, templates: ReadonlyMap<string, Versions>): Promise<boolean> {
  return (await store.documents.put("templates", bot, { templates: [...templates] }, { ifVersion: at })).outcome === "stored";
}

async function readVersion({ store }: ChatContext, bot: UserId, id: string, place: string): Promise<StoredTemplate | undefined> {
  return (await store.documents.get("templates", versionKey(bot, id, place)))?.value as StoredTemplate | undefined;
}

/** Removes what a crash has left. */
async function sweep({ store, clock }: ChatContext, bot: UserId, id: string, kept: Versions): Promise<void> {
  const prefix = versionKey(bot, id, "");
  const named = new Set(kept.map(([, place]) => place));
  for (const { key } of await store.documents.list("templates", prefix, leftoverPage)) {
    if (!key.startsWith(prefix)) return;
    const place = key.slice(prefix.length);
    if (!named.has(place) && Number.parseInt(place, 36) < clock.now() - leftoverMs) await store.documents.delete("templates", key);
  }
}

function versionKey(bot: UserId, id: string, place: string): string {
  // Ids of users and templates hold no slash.
  return `${bot}/${id}/${place}`;
}

/** The time in base 36, and chance: two puts at once do not meet. */
function newPlace({ clock, random }: ChatContext): string {
  return `${clock.now().toString(36)}-${Buffer.from(random.bytes(12)).toString("base64url")}`;
}

function notFound(id: string, version: number | undefined, versions: Versions | undefined): SudaError {
  if (versions === undefined || version === undefined) return new SudaError("template.not_found", `This bot has no template ${JSON.stringify(id)}.`);
  return new SudaError("template.not_found", `Template ${JSON.stringify(id)} has the versions ${versions.map(([one]) => one).join(", ")}, not ${version}.`);
}
