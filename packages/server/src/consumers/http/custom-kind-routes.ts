/** Kinds of custom content over HTTP, for the host's backend alone. */
import { Closed, CustomKindSchema, KindSchemaSchema } from "@suda/protocol";
import Type from "typebox";
import { route, type Route } from "./http-route.ts";

const ofKind = Closed({ kind: CustomKindSchema });
const wholeKind = Closed({ kind: CustomKindSchema, schema: KindSchemaSchema });

export const customKindRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/custom-kinds",
    name: "listCustomKinds",
    summary: "The kinds of custom content that may be sent, by name; `declared` ones are the server program's own",
    caller: "backend",
    reply: Closed({ kinds: Type.Array(Closed({ kind: CustomKindSchema, declared: Type.Optional(Type.Literal(true)) })) }),
    run: async ({ context }) => ({ kinds: await context.customKinds.list() }),
  }),
  route({
    method: "PUT",
    path: "/v1/custom-kinds/:kind",
    name: "putCustomKind",
    summary: "Registers a kind of custom content with the JSON Schema of its data, or gives it another one",
    caller: "backend",
    params: ofKind,
    body: Closed({ schema: KindSchemaSchema }),
    reply: wholeKind,
    run: async ({ context, params, body }) => {
      await context.customKinds.put(params.kind, body.schema);
      return { kind: params.kind, schema: body.schema };
    },
  }),
  route({
    method: "GET",
    path: "/v1/custom-kinds/:kind",
    name: "getCustomKind",
    summary: "The JSON Schema of a kind",
    caller: "backend",
    params: ofKind,
    reply: wholeKind,
    run: async ({ context, params }) => ({ kind: params.kind, schema: await context.customKinds.get(params.kind) }),
  }),
  route({
    method: "DELETE",
    path: "/v1/custom-kinds/:kind",
    name: "deleteCustomKind",
    summary: "Deletes a kind; messages of it stay",
    caller: "backend",
    params: ofKind,
    reply: Closed({}),
    run: async ({ context, params }) => {
      await context.customKinds.delete(params.kind);
      return {};
    },
  }),
];
