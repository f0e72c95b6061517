import { expect, test } from "vitest";
import { autoLevel, draggedLevel, type FrameDescription, frameOf, greyTable, ownLevel, paint } from "./windowing";

const ct: FrameDescription = {
  rows: 1,
  columns: 4,
  samples: 1,
  type: "int16",
  slope: 1,
  intercept: -1024,
  is_inverted: false,
  window_center: 40,
  window_width: 80,
};
const grey = (packed: number | undefined): number => (packed ?? 0) & 0xff;

test.each([
  [-3000, 0],
  [1024, 0],
  [1063, 126],
  [1064, 129],
  [1103, 255],
  [3000, 255],
])("sample %i is grey %i under centre 40, width 80", (sample, expected) => {
  expect(grey(greyTable(ct, ownLevel(ct))[sample & 0xffff])).toBe(expected);
});

test("MONOCHROME1 is white where it is low", () => {
  const table = greyTable({ ...ct, is_inverted: true }, ownLevel(ct));
  expect(grey(table[0])).toBe(255);
});

test("a frame is painted opaque, negative samples too", () => {
  const samples = Int16Array.of(-2000, 1063, 1064, 1103);
  const pixels = new Uint32Array(4);
  paint(frameOf(ct, samples.buffer), ownLevel(ct), pixels);
  expect([...pixels].map(grey)).toEqual([0, 126, 129, 255]);
  expect([...pixels].every((pixel) => pixel >>> 24 === 255)).toBe(true);
});

test("colour passes through untouched", () => {
  const pixels = new Uint32Array(1);
  paint(frameOf({ ...ct, columns: 1, samples: 3, type: "uint8" }, Uint8Array.of(1, 2, 3).buffer), ownLevel(ct), pixels);
  expect([...new Uint8Array(pixels.buffer)]).toEqual([1, 2, 3, 255]);
});

test("a body that is too short is refused", () => {
  expect(() => frameOf(ct, new ArrayBuffer(6))).toThrow("Invalid typed array length");
});

test("the automatic window leaves out single outliers", () => {
  const samples = new Int16Array(1000).map((_value, at) => 1024 + (at % 100));
  samples[0] = 30000;
  const { center, width } = autoLevel(frameOf({ ...ct, columns: 1000 }, samples.buffer));
  expect(center).toBeCloseTo(50.5);
  expect(width).toBeLessThan(102);
});

test("a flat frame still has a window", () => {
  expect(autoLevel(frameOf(ct, new ArrayBuffer(8))).width).toBe(2);
});

test("dragging right widens, down darkens, and there is no width below one", () => {
  const wider = draggedLevel({ center: 40, width: 80 }, 200, 0);
  expect(wider.width).toBeCloseTo(80 * Math.E);
  expect(draggedLevel({ center: 40, width: 80 }, 0, 30).center).toBeGreaterThan(40);
  expect(draggedLevel({ center: 40, width: 2 }, -5000, 0).width).toBe(1);
});
