import type { ContentType, MessageBody } from "@suda/protocol";

export interface GoldenMessage {
  readonly type: ContentType;
  readonly locale: "ko" | "en";
  readonly message: MessageBody;
}

/** A pair of the same kind, so that neither language is forgotten. */
export function pair(type: ContentType, { ko, en }: Readonly<Record<"ko" | "en", MessageBody>>): readonly GoldenMessage[] {
  return [
    { type, locale: "ko", message: ko },
    { type, locale: "en", message: en },
  ];
}
