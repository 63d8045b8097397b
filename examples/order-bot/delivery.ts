/**
 * Where the parcel goes: the form that asks for it, and what is checked of its answer. The server has held the answer against the
 * form's fields already (required, length), so that a wrong one never comes here; what a field cannot say is checked here, and only
 * what was wrong is asked again.
 */
import { codePointLength, type FormContent, type FormField, type FormValue } from "@suda/protocol";
import type { Language } from "./language.ts";
import { sentences } from "./sentences.ts";

export interface Delivery {
  readonly name: string;
  readonly phone: string;
  readonly postcode: string;
  readonly address: string;
  /** Flat, floor, gate; may be empty. */
  readonly detail: string;
}

export type DeliveryField = keyof Delivery;

/** What is known of it so far. */
export type KnownDelivery = Partial<Delivery>;

/** Together, with what stands between, at most 200: the cart's summary shows all of it in one message, and a receipt the address. */
const maxLengths: Readonly<Record<DeliveryField, number>> = { name: 30, phone: 20, postcode: 5, address: 90, detail: 40 };
const fields = ["name", "phone", "postcode", "address", "detail"] as const satisfies readonly DeliveryField[];
/** Linear: what repeats is bounded, and nothing in it can match in two ways. */
const expressions: Readonly<Partial<Record<DeliveryField, RegExp>>> = { postcode: /^[0-9]{5}$/, phone: /^\+?[0-9][0-9 -]{6,17}[0-9]$/ };

/** Asks for what is not known yet. */
export function deliveryForm(language: Language, known: KnownDelivery): FormContent {
  const say = sentences[language];
  const asked = fields.filter((id) => known[id] === undefined);
  return {
    type: "form",
    title: say.deliveryTitle,
    fields: asked.map(
      (id): FormField => ({ id, kind: "text", label: say.deliveryFields[id], maxLength: maxLengths[id], ...(id === "detail" ? {} : { required: true }) }),
    ),
    submitLabel: say.deliverySubmit,
    once: true,
  };
}

export interface CheckedDelivery {
  /** What is well. */
  readonly known: KnownDelivery;
  /** What has to be asked again; none when `delivery` is whole. */
  readonly wrong: readonly DeliveryField[];
  readonly delivery: Delivery | undefined;
}

/** @param known from earlier answers; what the form has now counts more */
export function checkDelivery(values: FormValue, known: KnownDelivery): CheckedDelivery {
  const given = Object.fromEntries(fields.map((id) => [id, clean(values[id]) ?? known[id] ?? ""])) as Record<DeliveryField, string>;
  const wrong = fields.filter((id) => !isWell(id, given[id]));
  return {
    known: Object.fromEntries(fields.filter((id) => !wrong.includes(id)).map((id) => [id, given[id]])),
    wrong,
    delivery: wrong.length === 0 ? given : undefined,
  };
}

function isWell(id: DeliveryField, text: string): boolean {
  // Composing can make a text longer than the server has seen it, for a few letters that nobody has in an address.
  if (codePointLength(text) > maxLengths[id] || (text === "" && id !== "detail")) return false;
  return expressions[id]?.test(text) ?? true;
}

/** On one line, as a label on a parcel. */
function clean(value: FormValue[string] | undefined): string | undefined {
  return typeof value === "string" ? value.normalize("NFC").replaceAll(/\s+/g, " ").trim() : undefined;
}

export function addressOf({ postcode, address, detail }: Delivery): string {
  return `(${postcode}) ${address}${detail === "" ? "" : `, ${detail}`}`;
}
