import { expect, test } from "vitest";
import type { FrameDescription } from "../windowing";
import { Values } from "./values";

const described = (slope: number, intercept: number): FrameDescription => ({
  rows: 1,
  columns: 2,
  samples: 1,
  type: "int16",
  slope,
  intercept,
  is_inverted: false,
  window_center: 0,
  window_width: 1,
});

test("whole numbers stay in 16 bits", () => {
  const values = new Values(2, 2);
  values.put(1, { description: described(1, -1024), samples: Uint16Array.of(0, 4095) });
  values.put(0, { description: described(2, 1), samples: Int16Array.of(-3, 4) });
  expect(values.content).toEqual(Int16Array.of(-5, 9, -1024, 3071));
});

test.each([
  ["fractions", 0.5, [0, 1], [0, 0.5]],
  ["large values", 100, [3, 400], [300, 40_000]],
])("%s make all of them floating, and none is lost", (_name, slope, samples, meant) => {
  const values = new Values(2, 3);
  values.put(0, { description: described(1, 0), samples: Int16Array.of(7, 8) });
  values.put(2, { description: described(slope, 0), samples: Uint16Array.from(samples) });
  values.put(1, { description: described(1, 0.25), samples: Int16Array.of(1, 2) });
  expect(values.content).toEqual(Float32Array.of(7, 8, 1.25, 2.25, ...meant));
});

test("a slice of another size is none of it", () => {
  expect(() => new Values(2, 1).put(0, { description: described(1, 0), samples: Int16Array.of(1) })).toThrow();
});

test("an automatic window leaves out the extremes", () => {
  const values = new Values(200, 1);
  values.put(0, { description: described(1, 0), samples: Int16Array.from({ length: 200 }, (_unused, at) => at) });
  expect(values.window()).toEqual({ center: 99.5, width: 195 });
});
