// @vitest-environment jsdom
import { expect, test } from "vitest";
import { smoothSteps, Wheel } from "./wheel";

const [PIXEL, LINE, PAGE] = [0, 1, 2];

test.each([
  ["a notch", 100, PIXEL, 1],
  ["a notch of another browser", 120, PIXEL, 1],
  ["a notch on a magnified screen", -66.7, PIXEL, -1],
  ["two notches in one event", 240, PIXEL, 2],
  ["three lines", 3, LINE, 1],
  ["one line", -1, LINE, -1],
  ["a page", 1, PAGE, 1],
])("%s", (_what, deltaY, deltaMode, steps) => {
  const wheel = new Wheel();
  expect(wheel.steps({ deltaY, deltaMode })).toBe(steps);
  expect(wheel.steps({ deltaY, deltaMode })).toBe(steps);
});

test("a trackpad's pixels add up", () => {
  const wheel = new Wheel();
  const steps = Array.from({ length: 10 }, () => wheel.steps({ deltaY: 12.5, deltaMode: PIXEL }));
  expect(steps).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
  expect(wheel.steps({ deltaY: -25, deltaMode: PIXEL })).toBe(0);
});

test("zooming is smooth on a trackpad, and a step a notch with a mouse", () => {
  expect(smoothSteps({ deltaY: 5, deltaMode: PIXEL })).toBeCloseTo(0.1);
  expect(smoothSteps({ deltaY: -100, deltaMode: PIXEL })).toBe(-1);
});
