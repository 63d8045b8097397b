/**
 * /docs: the API for people, rendered from the two documents without script or anything from outside, so that
 * it can be read behind any firewall and under the strictest content policy.
 */
import { closeCodes, commands, ConversationSchema, errors, MemberSchema, UserSchema } from "@suda/protocol";
import { asyncApiDocument } from "./http-documents.ts";
import { routes } from "./http-routes.ts";

let page: string | undefined;

export function renderDocsPage(): string {
  page ??= render();
  return page;
}

function render(): string {
  const commandRows = Object.entries(commands).map(([type, { summary, fields, reply }]) =>
    section(type, summary, [
      ["Fields", fields],
      ["Reply", reply.properties],
    ]),
  );
  const routeRows = routes.map((route) =>
    section(`${route.method} ${route.path}`, route.summary, [
      ["Query", route.query.properties],
      ["Body", route.body?.properties ?? {}],
      ["Reply", route.reply.properties],
    ]),
  );
  const events = eventSchemas().map(([type, properties]) => section(type, "", [["Fields", properties]]));
  const records = namedSchemas().map(([title, properties]) => section(title, "", [["Fields", properties]]));
  const errorRows = Object.entries(errors).map(([code, { status, retryable, means }]) => [
    `<code>${code}</code>`,
    String(status),
    retryable ? "yes" : "no",
    escape(means),
  ]);
  const closeRows = Object.entries(closeCodes).map(([name, { code, resumable, means }]) => [
    String(code),
    `<code>${name}</code>`,
    resumable ? "reconnect and resume" : "don’t",
    escape(means),
  ]);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Suda — API</title><style>${style}</style></head><body>
<header><h1>수다 <small>Suda API</small></h1><nav><a href="#socket">WebSocket</a> <a href="#events">Events</a> <a href="#records">Records</a> <a href="#http">HTTP</a> <a href="#errors">Errors</a> <a href="#close">Close codes</a> <a href="/openapi.json">openapi.json</a> <a href="/asyncapi.json">asyncapi.json</a></nav></header>
<main>
<h2 id="socket">WebSocket — /v1/socket</h2>
<p>JSON text frames (subprotocol <code>suda.v1.json</code>, or none) or MessagePack in binary frames (<code>suda.v1.msgpack</code>). One message is one frame or an array of frames. The first command is <code>hello</code>; every command carries a <code>ref</code>, and its reply or error carries the same.</p>
<pre>→ {"type":"hello","ref":1,"token":"…"}
→ {"type":"conversation.open","ref":2,"with":"bob"}
→ {"type":"message.send","ref":3,"conversation":"…","clientId":"c-1","content":{"type":"text","text":"안녕하세요 👋"}}
← {"type":"reply","ref":3,"seq":1,"at":1700000000000}
← {"type":"message.created","conversation":"…","seq":1,"at":1700000000000,"from":"alice","clientId":"c-1","content":{"type":"text","text":"안녕하세요 👋"}}</pre>
${commandRows.join("")}
<h2 id="events">Events</h2>
${events.join("")}
<h2 id="records">Records and contents</h2>
${records.join("")}
<h2 id="http">HTTP — /v1</h2>
<p><code>Authorization: Bearer …</code> with a user’s token or an API key. With an API key, <code>Suda-User</code> names the user on whose behalf.</p>
${routeRows.join("")}
<h2 id="errors">Errors</h2>
${table(["code", "HTTP", "retryable", "means"], errorRows)}
<h2 id="close">Close codes</h2>
${table(["code", "name", "client", "means"], closeRows)}
</main></body></html>`;
}

function eventSchemas(): [string, Readonly<Record<string, unknown>>][] {
  const { components } = asyncApiDocument() as { components: { messages: Record<string, { payload: { properties: Record<string, unknown> } }> } };
  return Object.entries(components.messages)
    .filter(([name]) => !Object.hasOwn(commands, name) && name !== "error" && !name.endsWith(".reply"))
    .map(([name, { payload }]) => [name, payload.properties]);
}

/** Records, and what messages are made of. */
function namedSchemas(): [string, Readonly<Record<string, unknown>>][] {
  const { components } = asyncApiDocument() as { components: { schemas: Record<string, unknown> } };
  const schemas: readonly unknown[] = [UserSchema, MemberSchema, ConversationSchema, ...Object.values(components.schemas)];
  return schemas.map((schema) => {
    const { title = "", properties, anyOf = [] } = schema as SchemaNode;
    // A union has a row for each of its variants.
    return [title, properties ?? Object.fromEntries(anyOf.map((variant, index) => [String(index + 1), variant]))];
  });
}

function section(title: string, summary: string, parts: readonly (readonly [string, Readonly<Record<string, unknown>>])[]): string {
  const tables = parts
    .filter(([, fields]) => Object.keys(fields).length > 0)
    .map(
      ([name, fields]) =>
        `<h4>${name}</h4>${table(
          ["field", "type", "bounds"],
          Object.entries(fields).map(([field, schema]) => [`<code>${escape(field)}</code>`, escape(typeOf(schema)), escape(boundsOf(schema))]),
        )}`,
    );
  return `<section><h3><code>${escape(title)}</code></h3><p>${inline(summary)}</p>${tables.join("")}</section>`;
}

interface SchemaNode {
  readonly type?: string;
  readonly $ref?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly contentEncoding?: string;
  /** Name of a record that has a table of its own on this page. */
  readonly title?: string;
  readonly [bound: string]: unknown;
}

function typeOf(schema: unknown): string {
  const node = schema as SchemaNode;
  if (node.$ref !== undefined) return node.$ref.slice(node.$ref.lastIndexOf("/") + 1);
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.contentEncoding !== undefined) return "bytes";
  if (node.title !== undefined) return node.title;
  if (node.anyOf !== undefined)
    return node.anyOf
      .map((variant) => (variant.properties?.["type"]?.const === undefined ? typeOf(variant) : JSON.stringify(variant.properties["type"].const)))
      .join(" | ");
  if (node.items !== undefined) return `array of ${typeOf(node.items)}`;
  return node.type ?? "any";
}

function boundsOf(schema: unknown): string {
  const node = schema as SchemaNode;
  const bounds = ["minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "default", "description"];
  return bounds
    .filter((bound) => node[bound] !== undefined && node[bound] !== Number.MAX_SAFE_INTEGER)
    .map((bound) => (bound === "description" ? String(node[bound]) : `${bound} ${String(node[bound])}`))
    .join(" · ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("")}</tbody></table></div>`;
}

function inline(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--paper:#fff;--code:#f3f5f7;--accent:#0a63c9}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#30363d;--paper:#0f1318;--code:#1a2028;--accent:#6cb0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,"Apple SD Gothic Neo","Noto Sans KR",sans-serif;word-break:keep-all}
header{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--line);padding:.5rem 1.5rem;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline}
h1{font-size:1.25rem;margin:0}h1 small{font-weight:400;color:var(--soft)}nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}a{color:var(--accent)}
main{max-width:60rem;margin:0 auto;padding:1rem 1.5rem 4rem}h2{margin:3rem 0 .5rem;padding-top:1rem;scroll-margin-top:3.5rem}
section{border-top:1px solid var(--line);padding:.75rem 0}h3{margin:.25rem 0;font-size:1rem}h4{margin:.75rem 0 .25rem;font-size:.8rem;color:var(--soft);font-weight:600}
p{margin:.25rem 0}code,pre{font-family:ui-monospace,"SFMono-Regular",Menlo,monospace;font-size:.875em;background:var(--code);border-radius:4px}code{padding:.1em .3em;overflow-wrap:anywhere}
pre{padding:1rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}th{text-align:left;color:var(--soft);font-weight:600}th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}td:last-child{overflow-wrap:anywhere}`;
