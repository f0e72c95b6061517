import { expect, test } from "vitest";
import { type Turn, toImage } from "../geometry";
import type { SliceGeometry } from "../slice_geometry";
import type { Frame } from "../windowing";
import { measured, outline, scaleAt, whyInPixels } from "./measures";

const UNKNOWN: SliceGeometry = {
  spacing: null,
  spacing_is: "",
  orientation: null,
  position: null,
  unit: "",
  regions: [],
};
/** Half a millimetre from row to row, a quarter from column to column. */
const FLAT: SliceGeometry = { ...UNKNOWN, spacing: [0.5, 0.25], spacing_is: "patient" };
const DETECTOR: SliceGeometry = { ...FLAT, spacing_is: "detector" };
/** 0.05 cm across and 0.06 cm down, from (100, 50) to (199, 149); beside it a curve over time. */
const ULTRASOUND: SliceGeometry = {
  ...UNKNOWN,
  spacing: [1, 1],
  regions: [
    [100, 50, 199, 149, 0.05, -0.06, 3, 3, 1],
    [200, 50, 299, 149, 0.01, 2, 4, 7, 3],
  ],
};
const at = (x: number, y: number): { x: number; y: number } => ({ x, y });

test("a length counts rows and columns by their own spacing", () => {
  const [length] = measured("length", [at(2, 2), at(14, 10)], FLAT).values;
  expect(length).toEqual({ quantity: "length", value: 5, unit: "mm" });
});

test("without a spacing, pixels are pixels", () => {
  for (const geometry of [undefined, UNKNOWN]) {
    const { values, atDetector } = measured("length", [at(0, 0), at(3, 4)], geometry);
    expect(values).toEqual([{ quantity: "length", value: 5, unit: "px" }]);
    expect(atDetector).toBe(false);
    expect(measured("area", [at(0, 0), at(2, 2)], geometry).values[0]?.unit).toBe("px2");
  }
});

test("a spacing of the detector says so, but for angles", () => {
  expect(measured("length", [at(0, 0), at(0, 2)], DETECTOR).atDetector).toBe(true);
  expect(measured("area", [at(0, 0), at(2, 2)], DETECTOR).atDetector).toBe(true);
  expect(measured("angle", [at(0, 0), at(0, 2), at(2, 2)], DETECTOR).atDetector).toBe(false);
});

test("an angle is one of the body, not of the screen", () => {
  const square = measured("angle", [at(0, 0), at(0, 10), at(10, 10)], FLAT).values[0];
  expect(square).toEqual({ quantity: "angle", value: 90, unit: "deg" });
  const slanted = measured("angle", [at(20, 0), at(0, 0), at(20, 10)], FLAT).values[0];
  expect(slanted?.value).toBeCloseTo(45);
  const across = measured("angle", [at(-10, 1), at(0, 0), at(-10, -1)]).values[0];
  expect(across?.value).toBeCloseTo(2 * Math.atan(0.1) * (180 / Math.PI));
});

test("ultrasound is measured within one region in centimetres, and nowhere else", () => {
  const inside = measured("length", [at(110, 60), at(110, 110)], ULTRASOUND).values[0];
  expect(inside).toEqual({ quantity: "length", value: 30, unit: "mm" });
  expect(scaleAt(ULTRASOUND, [at(110, 60), at(210, 60)])).toBeNull();
  expect(scaleAt(ULTRASOUND, [at(210, 60), at(220, 60)])).toBeNull();
  expect(scaleAt(ULTRASOUND, [at(10, 10), at(20, 10)])).toBeNull();
});

test("turning, zooming and moving change nothing", () => {
  const [image, stage] = [
    { width: 512, height: 256 },
    { width: 800, height: 600 },
  ];
  for (const turn of [0, 1, 2, 3] as Turn[]) {
    const view = { zoom: 3, x: 200, y: 100, turn };
    const fixed = toImage(at(400, 300), view, image, stage);
    const one = toImage(at(430, 300), view, image, stage);
    const other = toImage(at(400, 330), view, image, stage);
    expect(measured("angle", [one, fixed, other]).values[0]?.value).toBeCloseTo(90);
    const length = measured("length", [fixed, one], FLAT).values[0]?.value ?? 0;
    const scale = turn % 2 ? 3 * (600 / 512) : 3 * (800 / 512);
    expect(length).toBeCloseTo((30 / scale) * (turn % 2 ? 0.5 : 0.25));
  }
});

test("an area is that of the ellipse, its grey values those of the pixels within", () => {
  const frame: Frame = {
    description: {
      ...{ rows: 4, columns: 4, samples: 1, type: "int16", slope: 2, intercept: -10 },
      ...{ is_inverted: false, window_center: 0, window_width: 1 },
    },
    samples: Int16Array.from([99, 1, 1, 99, 1, 5, 6, 1, 1, 7, 8, 1, 99, 1, 1, 99]),
  };
  const geometry = { ...FLAT, unit: "HU" };
  const inner = measured("area", [at(3, 3), at(1, 1)], geometry, frame).values;
  expect(inner[0]?.value).toBeCloseTo((Math.PI / 4) * 0.5 * 1);
  expect(inner.slice(1)).toEqual([
    { quantity: "mean", value: 3, unit: "HU" },
    { quantity: "min", value: 0, unit: "HU" },
    { quantity: "max", value: 6, unit: "HU" },
  ]);
  const whole = measured("area", [at(0, 0), at(4, 4)], geometry, frame).values;
  expect(whole[3]?.value).toBe(6);
  expect(measured("area", [at(0, 0), at(4, 4)], FLAT, frame).values).toHaveLength(1);
  expect(measured("area", [at(0, 0), at(4, 4)], geometry, null).values).toHaveLength(1);
});

test("the line of an ellipse is closed and touches its box", () => {
  const line = outline("area", [at(2, 4), at(12, 8)]);
  expect(line[0]?.x).toBeCloseTo(12);
  expect(line.at(-1)?.x).toBeCloseTo(12);
  expect(Math.min(...line.map(({ y }) => y))).toBeCloseTo(4);
  expect(Math.min(...line.map(({ x }) => x))).toBeCloseTo(2);
});

test.each([
  ["where the image says how large it is", FLAT, "length", null],
  ["in a region of ultrasound", ULTRASOUND, "length", null],
  ["beside it", { ...ULTRASOUND, regions: [[0, 0, 2, 2, 0.05, 0.05, 3, 3, 1]] }, "length", "outside"],
  ["of an image without a scale", UNKNOWN, "area", "noScale"],
  ["of an angle", UNKNOWN, "angle", null],
  ["before anything is known", undefined, "length", null],
] as const)("why pixels: %s", (_where, geometry, kind, why) => {
  expect(whyInPixels(kind, [at(110, 60), at(120, 70)], geometry as SliceGeometry | undefined)).toBe(why);
});
