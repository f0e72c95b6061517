import { expect, test } from "vitest";
import type { RungName, Why } from "../../protocol.gen";
import { wordOf } from "./ladder";

test.each<[RungName, Why, string | null]>([
  ["480p", "fine", null],
  ["360p", "weak", null],
  ["240p", "opening", null],
  ["240p", "weak", "240p"],
  ["240p", "device", null],
  ["stills", "opening", "stills"],
  ["stills", "weak", "stills"],
  ["stills", "chosen", "chosen"],
  ["audio", "weak", "audio"],
  ["audio", "chosen", null],
])("%s, %s: %s", (rung, why, word) => {
  expect(wordOf(rung, why)).toBe(word);
});
