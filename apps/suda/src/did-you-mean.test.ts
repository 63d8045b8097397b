import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "./did-you-mean.ts";

const commands = ["dev", "serve", "chat", "token", "config", "doctor", "version"];

test("a slip of the finger finds the name that was meant", () => {
  assert.equal(didYouMean("sevre", commands), "serve");
  assert.equal(didYouMean("tokn", commands), "token");
  assert.equal(didYouMean("conf", commands), "config");
  assert.equal(didYouMean("log_level", ["logLevel", "port"]), "logLevel");
});

test("a word that is near to nothing gets no guess", () => {
  assert.equal(didYouMean("xylophone", commands), undefined);
  assert.equal(didYouMean("q", commands), undefined);
});
