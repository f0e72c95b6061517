import { expect, test } from "vitest";
import { type Manifest, planned } from "./plan";

const MB = 1_000_000;
const manifest: Manifest = {
  path: "/studies/1",
  id: "x",
  modality: "CT",
  slices: Array.from({ length: 100 }, (_unused, at) => [`1.${at}`, 1]),
  rows: 511,
  columns: 512,
  spacing: [0.5, 0.7, 3],
  origin: [0, 0, 0],
  direction: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  unit: "HU",
};

test("whole where it fits, halved where only that does, not at all where nothing does", () => {
  const whole = planned(manifest, { memory: 256 * MB, side: 2048 });
  expect(whole).toEqual({ halvings: 0, size: [512, 511, 100], spacing: [0.5, 0.7, 3], memory: 512 * 511 * 100 * 8 });
  const half = planned(manifest, { memory: 100 * MB, side: 2048 });
  expect(half).toEqual({ halvings: 1, size: [256, 256, 100], spacing: [1, 1.4, 3], memory: 256 * 256 * 100 * 8 });
  expect(planned(manifest, { memory: 10 * MB, side: 2048 })).toBeNull();
});

test("no side is longer than graphics can hold", () => {
  expect(planned(manifest, { memory: 999 * MB, side: 256 })?.halvings).toBe(1);
  expect(planned(manifest, { memory: 999 * MB, side: 99 })).toBeNull();
});
