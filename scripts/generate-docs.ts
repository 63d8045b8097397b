/** `npm run docs`: writes the generated blocks of the documents. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { documents, root, withGeneratedBlocks } from "./generated-blocks.ts";

for (const path of documents) {
  if (!existsSync(root + path)) continue;
  const before = readFileSync(root + path, "utf8");
  const after = withGeneratedBlocks(before);
  if (after !== before) writeFileSync(root + path, after);
  console.log(`${after === before ? "current" : "written"}  ${path}`);
}
