/** What a page has to load: the whole client with what it uses of the protocol, minified and gzipped. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("../", import.meta.url));
const maxBytes = 15_360;

test("the client is at most 15 KB with the protocol, and brings no schemas, no MessagePack and nothing of Node", async (context) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${folder}src/index.ts`],
    bundle: true,
    minify: true,
    format: "esm",
    // A module of Node's would not be found for browsers.
    platform: "browser",
    target: "es2022",
    conditions: ["suda-source"],
    metafile: true,
    write: false,
  });
  const bundle = outputFiles[0]?.contents ?? new Uint8Array();
  const gzipped = gzipSync(bundle, { level: 9 }).byteLength;
  context.diagnostic(`@suda/client: ${gzipped} bytes minified and gzipped (${bundle.byteLength} minified), bound ${maxBytes}`);
  assert.ok(gzipped > 0 && gzipped <= maxBytes, `${gzipped} bytes`);
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0));
  assert.ok(inputs.some((path) => path.endsWith("client/src/client.ts")));
  assert.deepEqual(
    inputs.filter((path) => /node_modules|msgpack|commands\.ts|validator|scalars|src\/node\//.test(path)),
    [],
  );
});

test("the package says that importing it does nothing by itself", () => {
  const { sideEffects, dependencies } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { sideEffects: boolean; dependencies: object };
  assert.equal(sideEffects, false);
  assert.deepEqual(Object.keys(dependencies), ["@suda/protocol"]);
});
