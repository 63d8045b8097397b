/** What only Node has. */
export { openFileOutbox, type FileOutbox } from "./file-outbox.ts";
