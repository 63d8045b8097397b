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

/** Augment with `messageData`, the type of a JSON object. */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- it is empty so that hosts can fill it
export interface CustomTypes {}

export type MessageData = CustomTypes extends { readonly messageData: infer Data } ? Data : CustomData;

/** The host says what its data is; the server keeps it as it came. */
export function asShown<T extends { readonly data?: CustomData }>(fields: T): Omit<T, "data"> & { readonly data?: MessageData } {
  const shown: unknown = fields;
  return shown as Omit<T, "data"> & { readonly data?: MessageData };
}

export function asCustomData(data: unknown): CustomData {
  return data as CustomData;
}
