/**
 * The host's own types for `data`, told once by declaration merging:
 *
 * declare module "@suda/client" {
 *   interface CustomTypes {
 *     messageData: { readonly orderId: string };
 *   }
 * }
 */
import type { CustomData } from "@suda/protocol";

/** Augment with `messageData` or `conversationData`, each a JSON object type. */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- it is empty so that hosts can fill it
export interface CustomTypes {}

export type MessageData = CustomTypes extends { readonly messageData: infer Data } ? Data : CustomData;
export type ConversationData = CustomTypes extends { readonly conversationData: infer Data } ? Data : CustomData;
