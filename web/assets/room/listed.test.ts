import { afterEach, expect, test } from "vitest";
import { listed } from "./listed";

afterEach(() => document.documentElement.removeAttribute("lang"));

test.each([
  ["en", ["Rose"], "Rose"],
  ["en", ["Rose", "Minh"], "Rose and Minh"],
  ["fr", ["Rose", "Minh", "Anne"], "Rose, Minh et Anne"],
  ["vi", ["Rose", "Minh"], "Rose và Minh"],
])("in %s, %s is read as %s", (language, names, words) => {
  document.documentElement.lang = language;
  expect(listed(names)).toBe(words);
});
