/** All that can be tapped in a message, wherever it stands, with its path. */
import type { Content } from "../content.ts";
import type { Action } from "./actions.ts";
import type { CarouselItem } from "./carousel.ts";
import type { MessageBody } from "./envelope.ts";

export interface PlacedAction {
  /** JSON pointer into the message, such as `/content/buttons/0`. */
  readonly path: string;
  readonly action: Action;
}

/** The id under which a form is sent. No other action of a message with a form has it. */
export const formSubmitId = "submit";

/** What sends a form; the form says how often and until when. */
export interface FormSubmit {
  readonly type: "submit";
  readonly id: typeof formSubmitId;
  readonly label?: string;
  readonly once?: boolean;
  readonly expiresAt?: number;
}

type Tappable = Pick<MessageBody, "quickReplies"> & { readonly content: Content | { readonly type: "deleted" } };

/** The action with this id, or `undefined` when the message has none (any more). */
export function findAction(message: Tappable, id: string): Action | FormSubmit | undefined {
  const { content } = message;
  if (content.type === "form" && id === formSubmitId) {
    const { submitLabel: label, once, expiresAt } = content;
    return {
      type: "submit",
      id,
      ...(label === undefined ? {} : { label }),
      ...(once === undefined ? {} : { once }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  }
  for (const { action } of actionsOf(message)) if (action.id === id) return action;
  return undefined;
}

/** In the order in which they are shown: those of the content, then quick replies. */
export function* actionsOf({ content, quickReplies = [] }: Tappable): Generator<PlacedAction> {
  yield* actionsOfContent(content);
  for (const [index, { action }] of quickReplies.entries()) yield { path: `/quickReplies/${index}/action`, action };
}

function* actionsOfContent(content: Tappable["content"]): Generator<PlacedAction> {
  switch (content.type) {
    case "card":
    case "commerce":
    case "list":
    case "details":
      yield* actionsOfItem(content, "/content");
      break;
    case "confirm":
      yield* placed(content.actions, "/content/actions");
      break;
    case "carousel":
      for (const [index, item] of content.items.entries()) yield* actionsOfItem(item, `/content/items/${index}`);
      break;
    case "imagemap":
      for (const [index, { action }] of content.areas.entries()) yield { path: `/content/areas/${index}/action`, action };
      break;
    case "text":
    case "image":
    case "video":
    case "audio":
    case "file":
    case "location":
    case "bytes":
    case "sticker":
    case "receipt":
    case "form":
    case "custom":
    case "deleted":
      break;
  }
}

function* actionsOfItem(item: CarouselItem, path: string): Generator<PlacedAction> {
  switch (item.type) {
    case "card":
      if (item.defaultAction !== undefined) yield { path: `${path}/defaultAction`, action: item.defaultAction };
      break;
    case "list":
      for (const [index, { action }] of item.items.entries()) if (action !== undefined) yield { path: `${path}/items/${index}/action`, action };
      break;
    case "image":
      if (item.action !== undefined) yield { path: `${path}/action`, action: item.action };
      return;
    case "commerce":
    case "details":
      break;
  }
  yield* placed(item.buttons ?? [], `${path}/buttons`);
}

function* placed(actions: readonly Action[], path: string): Generator<PlacedAction> {
  for (const [index, action] of actions.entries()) yield { path: `${path}/${index}`, action };
}
