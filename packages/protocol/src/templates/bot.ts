/** A bot as others see it: the profile that it has as a user, and what it always offers. */
import Type from "typebox";
import { UserNameSchema } from "../records.ts";
import { Closed, UrlSchema, UserIdSchema } from "../scalars.ts";
import { MenuSchema, SlashCommandsSchema } from "./menu.ts";

const bot = Closed(
  {
    id: UserIdSchema,
    name: Type.Optional(UserNameSchema),
    avatar: Type.Optional(UrlSchema),
    menu: Type.Optional(MenuSchema),
    commands: Type.Optional(SlashCommandsSchema),
  },
  { title: "Bot" },
);

export interface Bot extends Type.Static<typeof bot> {}
export const BotSchema = Type.Unsafe<Bot>(bot);

/** What may be changed of a bot; absent fields stay, `null` removes. */
export const botFields = {
  name: Type.Optional(Type.Union([UserNameSchema, Type.Null()])),
  avatar: Type.Optional(Type.Union([UrlSchema, Type.Null()])),
  menu: Type.Optional(Type.Union([MenuSchema, Type.Null()])),
  commands: Type.Optional(Type.Union([SlashCommandsSchema, Type.Null()])),
} as const;
