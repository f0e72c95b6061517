import { beforeEach, expect, test } from "vitest";
import { Pulse } from "./pulse";

let pulse: Pulse;
const walk = (...beats: [at: number, received: number][]) =>
  beats.map(([at, received]) => pulse.take({ at, received }));

beforeEach(() => {
  pulse = new Pulse();
});

test("a line over which nothing came yet is not asked about", () => {
  expect(walk([0, 0], [5_000, 0], [10_000, 0])).toEqual(["fine", "fine", "fine"]);
});

test("a silence is asked about once", () => {
  expect(walk([0, 50], [1_000, 50], [1_250, 50], [2_000, 50])).toEqual(["fine", "fine", "probe", "fine"]);
});

test("what stays silent is asked about again, and what comes again is told", () => {
  walk([0, 50], [1_500, 50]);
  expect(walk([5_000, 50], [5_500, 50], [6_000, 51], [6_500, 80])).toEqual(["fine", "probe", "back", "fine"]);
});

test("who speaks seldom is not silent", () => {
  expect(walk([0, 50], [500, 51], [1_000, 51], [1_500, 52], [2_600, 53])).not.toContain("probe");
});

test("a new connection begins anew", () => {
  walk([0, 500]);
  expect(walk([500, 0], [3_000, 0])).toEqual(["fine", "fine"]);
});
