/**
 * One realistic message of every type, in Korean and in English: what the documents show, and what server, client,
 * terminal and pages are tested with. A type without one fails a test.
 */
import type { ContentType } from "@suda/protocol";
import { cardMessages } from "./golden-messages/cards.ts";
import type { GoldenMessage } from "./golden-messages/golden-message.ts";
import { listMessages } from "./golden-messages/lists.ts";
import { plainMessages } from "./golden-messages/plain.ts";

export { goldenKinds } from "./golden-messages/lists.ts";
export type { GoldenMessage } from "./golden-messages/golden-message.ts";

export const goldenMessages: readonly GoldenMessage[] = [...plainMessages, ...cardMessages, ...listMessages];

/** @throws Error when there is none, which a test would have found */
export function goldenMessage(type: ContentType, locale: GoldenMessage["locale"] = "en"): GoldenMessage["message"] {
  const found = goldenMessages.find((golden) => golden.type === type && golden.locale === locale);
  if (found === undefined) throw new Error(`There is no golden message of type ${type} in ${locale}.`);
  return found.message;
}
