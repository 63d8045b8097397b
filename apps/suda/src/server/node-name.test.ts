import assert from "node:assert/strict";
import { test } from "node:test";
import { settings } from "../config/settings.ts";
import { makeNodeName } from "./node-name.ts";

test("a node that nobody named gets a name that the setting would take, another one each time", () => {
  const names = Array.from({ length: 20 }, makeNodeName);
  for (const name of names) assert.deepEqual(settings.nodeName.read(name), { value: name });
  assert.ok(new Set(names).size > 10);
});
