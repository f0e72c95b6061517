import { expect, test } from "vitest";
import { relativeAge } from "./age";

const now = new Date("2026-11-22T12:00:00Z");
const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

test.each([
  [20, "en", "now"],
  [12 * 60 + 59, "en", "12 min. ago"],
  [3 * 3600, "en", "3 hr. ago"],
  [86_400, "en", "yesterday"],
  [-30 * 60, "en", "in 30 min."],
  [12 * 60, "vi", "12 phút trước"],
])("%i seconds ago in %s", (seconds, locale, said) => {
  expect(relativeAge(before(seconds), now, locale)).toBe(said);
});

test("French keeps its number and unit together", () => {
  expect(relativeAge(before(12 * 60), now, "fr")).toMatch(/^il y a 12\smin$/);
});

test("within a minute it is said in words, where the page gives any", () => {
  expect(relativeAge(before(20), now, "fr", "il y a moins d’une minute")).toBe("il y a moins d’une minute");
  expect(relativeAge(before(-20), now, "en", "less than a minute ago")).toBe("now");
});
