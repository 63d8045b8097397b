/** What a terminal can name and not show: pictures, sound, files, places, bytes, stickers. */
import type { ContentOf } from "@suda/protocol";
import { box, byteSize, dotted, duration, line, type DrawContext, type Line } from "./drawing.ts";

type Media = ContentOf<"image" | "video" | "audio" | "file" | "location" | "bytes" | "sticker">;

export function drawMedia(content: Media, { messages, altText }: DrawContext): readonly Line[] {
  const names = messages.content;
  switch (content.type) {
    case "image": {
      const { album, caption, alt, url } = content;
      const place = album === undefined ? undefined : `${album.index + 1}/${album.total}`;
      return line(box(names.image, place, dotted(caption, alt), url));
    }
    case "video":
      return line(box(names.video, duration(content.durationMs), content.caption, content.url));
    case "audio":
      return line(box(names.audio, duration(content.durationMs), content.url));
    case "file":
      return line(box(names.file, dotted(content.name, byteSize(content.size)), content.url));
    case "location":
      return line(box(names.location, dotted(content.title, content.address, `${content.latitude}, ${content.longitude}`)));
    case "bytes":
      return line(box(names.bytes, dotted(content.name, content.mime, byteSize(content.bytes.byteLength))));
    case "sticker":
      return line(box(messages.templates.sticker, altText ?? content.keywords?.join(", ") ?? content.stickerId));
  }
}
