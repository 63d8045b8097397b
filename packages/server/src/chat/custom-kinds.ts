/**
 * Kinds of `custom` content that may be sent: those that the program declares when it makes the server, and those that the
 * host's backend registers, one document each. Rules T40–T43.
 *
 * Sends ask a cache. What another process registered or deleted is known here after at most {@link kindMaxAgeMs}; what this
 * one did, at once.
 */
import {
  checkKindData,
  checkKindSchema,
  CustomKindSchema,
  createValidator,
  isCustomData,
  SudaError,
  templateLimits,
  type Clock,
  type ContentOf,
  type KindSchema,
  type MessageFault,
} from "@suda/protocol";
import { documentsOf } from "../store/read-whole.ts";
import type { Store } from "../store/store.ts";

export interface ListedKind {
  readonly kind: string;
  /** The program that runs the server declares it; it is changed there. */
  readonly declared?: true;
}

/** Of what was read from the store. */
const kindMaxAgeMs = 5_000;
/** Kinds that are remembered, also that they are not there: whoever names made-up ones drives out no more than this. */
const cachedMax = 256;

const kindName = createValidator<string>(CustomKindSchema);

interface Cached {
  readonly readAt: number;
  readonly schema: Promise<KindSchema | undefined>;
}

export class CustomKinds {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #declared: ReadonlyMap<string, KindSchema>;
  /** In the order of reading, oldest first. */
  readonly #cached = new Map<string, Cached>();

  /** @throws TypeError for a name or a schema that cannot be one */
  constructor({ store, clock, declared }: { readonly store: Store; readonly clock: Clock; readonly declared: Readonly<Record<string, object>> }) {
    this.#store = store;
    this.#clock = clock;
    this.#declared = new Map(Object.entries(declared).map(([kind, schema]) => [kind, declaredSchema(kind, schema)]));
  }

  /** What is wrong with a custom content, or with there being one; paths begin with `/content`. */
  async check({ kind, data }: ContentOf<"custom">): Promise<MessageFault | undefined> {
    const schema = this.#declared.get(kind) ?? (await this.#registered(kind));
    if (schema !== undefined) return checkKindData(schema, data);
    const path = "/content/kind";
    return { path, message: `${path} is not registered; the host's backend registers it with PUT /v1/custom-kinds/{kind} and a JSON Schema.` };
  }

  /** Registers a kind, or gives it another schema. @throws SudaError frame.invalid, kind.declared, kind.full, store.… */
  async put(kind: string, schema: KindSchema): Promise<void> {
    this.#refuseDeclared(kind);
    const found = checkKindSchema(schema);
    if (found !== undefined) throw new SudaError("frame.invalid", `/schema${found.message}`, { path: `/schema${found.path}` });
    const { documents } = this.#store;
    const isNew = (await documents.get("custom-kinds", kind)) === undefined;
    if (isNew && (await this.#stored()).length >= templateLimits.customKindsMax) throw new SudaError("kind.full");
    await documents.put("custom-kinds", kind, { schema });
    this.#cached.delete(kind);
    if (!isNew || (await this.#stored()).length <= templateLimits.customKindsMax) return;
    // Others registered theirs in the same moment.
    await documents.delete("custom-kinds", kind);
    this.#cached.delete(kind);
    throw new SudaError("kind.full");
  }

  /** @throws SudaError kind.not_found */
  async get(kind: string): Promise<KindSchema> {
    const schema = this.#declared.get(kind) ?? (await this.#read(kind));
    if (schema === undefined) throw notFound(kind);
    return schema;
  }

  /** By name. */
  async list(): Promise<readonly ListedKind[]> {
    const declared = [...this.#declared.keys()].map((kind): ListedKind => ({ kind, declared: true }));
    const stored = (await this.#stored()).filter((kind) => !this.#declared.has(kind)).map((kind): ListedKind => ({ kind }));
    return [...declared, ...stored].sort((a, b) => (a.kind < b.kind ? -1 : 1));
  }

  /** Messages of it stay. @throws SudaError kind.not_found, kind.declared, store.… */
  async delete(kind: string): Promise<void> {
    this.#refuseDeclared(kind);
    const { outcome } = await this.#store.documents.delete("custom-kinds", kind);
    this.#cached.delete(kind);
    if (outcome === "absent") throw notFound(kind);
  }

  #refuseDeclared(kind: string): void {
    if (this.#declared.has(kind)) throw new SudaError("kind.declared");
  }

  #registered(kind: string): Promise<KindSchema | undefined> {
    const now = this.#clock.monotonicMs();
    const cached = this.#cached.get(kind);
    if (cached !== undefined && now - cached.readAt < kindMaxAgeMs) return cached.schema;
    this.#cached.delete(kind);
    const entry: Cached = { readAt: now, schema: this.#read(kind) };
    this.#cached.set(kind, entry);
    // A read that failed is tried again by the next send; this one is told.
    entry.schema.catch(() => this.#cached.get(kind) === entry && this.#cached.delete(kind));
    const [oldest] = this.#cached.keys();
    if (this.#cached.size > cachedMax && oldest !== undefined) this.#cached.delete(oldest);
    return entry.schema;
  }

  async #read(kind: string): Promise<KindSchema | undefined> {
    const document = await this.#store.documents.get("custom-kinds", kind);
    return document?.value["schema"] as KindSchema | undefined;
  }

  /** Names of those in the store, up to one more than there may be. */
  async #stored(): Promise<readonly string[]> {
    const kinds: string[] = [];
    for await (const { key } of documentsOf(this.#store.documents, "custom-kinds")) if (kinds.push(key) > templateLimits.customKindsMax) break;
    return kinds;
  }
}

function declaredSchema(kind: string, schema: object): KindSchema {
  const { kindSchemaMaxBytes, kindSchemaMaxDepth } = templateLimits;
  if (!kindName.is(kind)) throw new TypeError(`customKinds: ${JSON.stringify(kind)} is no name of a kind; take 1–64 letters, digits, dots, _ and -.`);
  // What is checked later must not be the caller's to change.
  const copy: unknown = JSON.parse(JSON.stringify(schema));
  if (!isCustomData(copy, kindSchemaMaxBytes, kindSchemaMaxDepth))
    throw new TypeError(
      `customKinds: the schema of ${kind} must be an object of at most ${kindSchemaMaxBytes} bytes as JSON, nested at most ${kindSchemaMaxDepth} deep.`,
    );
  const found = checkKindSchema(copy);
  if (found !== undefined) throw new TypeError(`customKinds: in the schema of ${kind}, ${found.message}`);
  return copy;
}

function notFound(kind: string): SudaError {
  return new SudaError("kind.not_found", `No kind ${JSON.stringify(kind)} is registered.`);
}
