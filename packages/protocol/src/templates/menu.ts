/** What a bot always offers: its menu below the conversation, and its slash commands. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, UrlSchema } from "../scalars.ts";
import { ActionSchema } from "./actions.ts";
import { checkActions } from "./check-actions.ts";
import { checkAreas } from "./check-message.ts";
import type { PlacedAction } from "./find-action.ts";
import { AreaSchema, BaseSizeSchema } from "./imagemap.ts";
import { fault, type MessageFault } from "./message-fault.ts";

const barText = Type.String({ minLength: 1, maxLength: templateLimits.barTextMaxLength, description: "Opens and closes the menu" });

const listMenu = Closed(
  {
    type: Type.Literal("list"),
    barText,
    rows: Type.Array(Type.Array(ActionSchema, { minItems: 1, maxItems: templateLimits.menuRowsMax }), { minItems: 1, maxItems: templateLimits.menuRowsMax }),
  },
  { title: "ListMenu" },
);

/** Buttons in rows. */
export interface ListMenu extends Type.Static<typeof listMenu> {}
export const ListMenuSchema = Type.Unsafe<ListMenu>(listMenu);

const imageMenu = Closed(
  {
    type: Type.Literal("image"),
    barText,
    image: UrlSchema,
    baseSize: BaseSizeSchema,
    areas: Type.Array(AreaSchema, { minItems: 1, maxItems: templateLimits.menuAreasMax }),
  },
  { title: "ImageMenu" },
);

/** A picture of which parts can be tapped. */
export interface ImageMenu extends Type.Static<typeof imageMenu> {}
export const ImageMenuSchema = Type.Unsafe<ImageMenu>(imageMenu);

export type Menu = ListMenu | ImageMenu;
export const MenuSchema = Type.Unsafe<Menu>(Type.Union([ListMenuSchema, ImageMenuSchema], { title: "Menu" }));

const slashCommand = Closed(
  {
    name: Type.String({ minLength: 1, maxLength: templateLimits.slashCommandNameMaxLength, pattern: "^[^\\s/]+$", description: "Without the slash" }),
    description: Type.String({ minLength: 1, maxLength: templateLimits.slashCommandDescriptionMaxLength }),
  },
  { title: "SlashCommand" },
);

export interface SlashCommand extends Type.Static<typeof slashCommand> {}
export const SlashCommandSchema = Type.Unsafe<SlashCommand>(slashCommand);
export const SlashCommandsSchema = Type.Array(SlashCommandSchema, { maxItems: templateLimits.slashCommandsMax });

/** The first fault of a menu that fits its schema. Paths are of the menu. */
export function checkMenu(menu: Menu): MessageFault | undefined {
  const found = menu.type === "image" ? checkAreas(menu.areas, menu.baseSize, "") : undefined;
  return found ?? checkActions(actionsOfMenu(menu));
}

/** The first fault of commands that fit their schema. */
export function checkSlashCommands(commands: readonly SlashCommand[]): MessageFault | undefined {
  const names = new Set<string>();
  for (const [index, { name }] of commands.entries()) {
    if (names.has(name)) return fault(`/${index}/name`, "is the name of another command; give every command a name of its own");
    names.add(name);
  }
  return undefined;
}

function* actionsOfMenu(menu: Menu): Generator<PlacedAction> {
  if (menu.type === "image") {
    for (const [index, { action }] of menu.areas.entries()) yield { path: `/areas/${index}/action`, action };
    return;
  }
  for (const [row, actions] of menu.rows.entries()) for (const [index, action] of actions.entries()) yield { path: `/rows/${row}/${index}`, action };
}
