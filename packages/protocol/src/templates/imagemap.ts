/** A picture of which parts can be tapped. */
import Type from "typebox";
import { templateLimits } from "../limits.ts";
import { Closed, UrlSchema } from "../scalars.ts";
import { ActionSchema } from "./actions.ts";
import { PixelsSchema } from "./media.ts";

const offset = Type.Integer({ minimum: 0, maximum: templateLimits.pixelsMax });

const baseSize = Closed({ width: PixelsSchema, height: PixelsSchema }, { title: "BaseSize" });

/** The size in whose pixels the areas are given; the image is shown at any. */
export interface BaseSize extends Type.Static<typeof baseSize> {}
export const BaseSizeSchema = Type.Unsafe<BaseSize>(baseSize);

const area = Closed({ x: offset, y: offset, width: PixelsSchema, height: PixelsSchema, action: ActionSchema }, { title: "Area" });

export interface Area extends Type.Static<typeof area> {}
export const AreaSchema = Type.Unsafe<Area>(area);

const imagemapContent = Closed(
  {
    type: Type.Literal("imagemap"),
    image: UrlSchema,
    baseSize: BaseSizeSchema,
    areas: Type.Array(AreaSchema, { minItems: 1, maxItems: templateLimits.areasMax }),
  },
  { title: "ImagemapContent" },
);

export interface ImagemapContent extends Type.Static<typeof imagemapContent> {}
export const ImagemapContentSchema = Type.Unsafe<ImagemapContent>(imagemapContent);
