import { expect, test } from "vitest";
import { patience, spacing } from "./reconnecting";

test("the first try comes within a second, the others further apart, and never so far that five seconds are missed", () => {
  expect([0, 1].map((chance) => spacing(0, chance))).toEqual([0, 1_000]);
  expect([0, 1].map((chance) => spacing(1, chance))).toEqual([400, 1_200]);
  expect([0, 1].map((chance) => spacing(99, chance))).toEqual([1_250, 3_750]);
});

test("a server that is back is not asked by all at once", () => {
  const begun = Array.from({ length: 400 }, (_, one) => spacing(9, one / 400));
  const busiest = Math.max(...begun.map((at) => begun.filter((other) => other >= at && other < at + 250).length));
  expect(busiest).toBeLessThanOrEqual(45);
});

test("a try is given up after what the line is known to need", () => {
  expect(patience(null)).toBe(8_000);
  expect(patience(20)).toBe(2_500);
  expect(patience(900)).toBe(5_400);
  expect(patience(5_000)).toBe(8_000);
});
