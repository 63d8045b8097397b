/** The commands: how each is written, and what Tab completes after it. */
import type { CommandName } from "./messages.ts";

type Argument = "conversation" | "user" | "button" | "none";

/** What follows the command, for its usage line and for completion. */
export const commandTable: Readonly<Record<CommandName, { readonly usage: string; readonly completes: Argument }>> = {
  join: { usage: "/join CONVERSATION", completes: "conversation" },
  dm: { usage: "/dm USER [TEXT]", completes: "user" },
  new: { usage: "/new TITLE USER…", completes: "user" },
  add: { usage: "/add USER…", completes: "user" },
  leave: { usage: "/leave", completes: "none" },
  who: { usage: "/who", completes: "none" },
  list: { usage: "/list", completes: "none" },
  history: { usage: "/history [COUNT]", completes: "none" },
  edit: { usage: "/edit [^N] TEXT", completes: "none" },
  delete: { usage: "/delete [^N]", completes: "none" },
  react: { usage: "/react [^N] EMOJI", completes: "none" },
  reply: { usage: "/reply [^N] TEXT", completes: "none" },
  pin: { usage: "/pin [^N]", completes: "none" },
  press: { usage: "/press [^N] NUMBER [VALUE]", completes: "button" },
  cancel: { usage: "/cancel", completes: "none" },
  retry: { usage: "/retry", completes: "none" },
  discard: { usage: "/discard", completes: "none" },
  me: { usage: "/me [TEXT]", completes: "none" },
  name: { usage: "/name NAME", completes: "none" },
  help: { usage: "/help", completes: "none" },
  quit: { usage: "/quit", completes: "none" },
};
