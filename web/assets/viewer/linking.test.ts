import { expect, test } from "vitest";
import { beginning, Link, type Place } from "./linking";
import type { SliceGeometry } from "./slice_geometry";

const AXIAL: SliceGeometry["orientation"] = [1, 0, 0, 0, 1, 0];

function series(reference: string, depths: number[], orientation = AXIAL): Omit<Place, "index"> {
  const slices = depths.map((depth) => ({
    ...{ spacing: null, spacing_is: "" as const, unit: "", regions: [], orientation },
    position: [0, 0, depth] as [number, number, number],
  }));
  return { geometry: { frame_of_reference: reference, slices }, count: depths.length };
}

test("of one examination, the slice at the same height belongs to it", () => {
  const [thin, thick] = [series("1", [0, 1, 2, 3, 4, 5, 6]), series("1", [6, 3, 0])];
  const link = new Link({ ...thin, index: 0 }, { ...thick, index: 0 });
  expect(link.isByPlace).toBe(true);
  expect([0, 1, 2, 4, 6].map((index) => link.partner({ ...thin, index }, { ...thick, index: 0 }))).toEqual([
    2, 2, 1, 1, 0,
  ]);
});

test("of another day, what was put side by side stays so", () => {
  const [now, before] = [series("1", [100, 105, 110]), series("2", [0, 2.5, 5, 7.5, 10])];
  const link = new Link({ ...now, index: 0 }, { ...before, index: 0 });
  expect(link.partner({ ...now, index: 2 }, { ...before, index: 0 })).toBe(4);
});

test("where nothing is known, or they lie otherwise, slice goes with slice and stops at the ends", () => {
  const coronal = series("1", [0, 1, 2], [1, 0, 0, 0, 0, -1]);
  const unknown: Place = { geometry: null, index: 1, count: 3 };
  for (const other of [{ ...coronal, index: 1 }, unknown]) {
    const link = new Link({ ...series("1", [0, 1, 2]), index: 0 }, other);
    expect(link.isByPlace).toBe(false);
    expect([0, 1, 2].map((index) => link.partner({ ...series("1", [0, 1, 2]), index }, other))).toEqual([1, 2, 2]);
  }
});

test("of one examination, tilted slices belong to those they cross in the middle, wherever zero lies", () => {
  const tilt = (8 * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(tilt), Math.sin(tilt)];
  const sizes = Array.from({ length: 21 }, () => ({ width: 241, height: 241 }));
  for (const table of [0, -1000]) {
    const depths = sizes.map((_size, index) => 5 * index - 50);
    const straight: Omit<Place, "index"> = { ...series("1", depths), sizes };
    const tilted: Omit<Place, "index"> = { ...series("1", depths, [1, 0, 0, 0, cosine, sine]), sizes };
    for (const [index, depth] of depths.entries()) {
      const [flat, steep] = [straight.geometry?.slices[index], tilted.geometry?.slices[index]];
      if (!flat || !steep) throw new Error("slices are missing");
      flat.spacing = steep.spacing = [1, 1];
      flat.position = [-120, -120, table + depth];
      steep.position = [-120, -120 * cosine, table + depth - 120 * sine];
    }
    const link = new Link({ ...straight, index: 0 }, { ...tilted, index: 0 });
    expect(link.isByPlace).toBe(true);
    const partners = [0, 10, 20].map((index) => link.partner({ ...straight, index }, { ...tilted, index: 0 }));
    expect(partners).toEqual([0, 10, 20]);
  }
});

test("among slices that lie in several ways, only one that lies alike belongs to it", () => {
  const axial = series("1", [0, 10, 20]);
  const mixed = series("1", [0, 10, 20]);
  mixed.geometry?.slices.splice(0, 1, {
    ...{ spacing: null, spacing_is: "" as const, unit: "", regions: [], orientation: [0, 1, 0, 0, 0, -1] },
    position: [-1, 0, 0],
  });
  const link = new Link({ ...axial, index: 2 }, { ...mixed, index: 2 });
  expect(link.partner({ ...axial, index: 0 }, { ...mixed, index: 2 })).toBe(1);
});

test("what is opened beside begins at the same height, else as far along from the same end", () => {
  const now = { ...series("1", [0, 5, 10, 15, 20]), index: 3 };
  expect(beginning(now, { ...series("1", [20, 15, 10, 5, 0]), index: 0 })).toBe(1);
  expect(beginning(now, { ...series("2", [100, 110, 120]), index: 0 })).toBe(2);
  expect(beginning(now, { ...series("2", [140, 130, 120, 110, 100]), index: 0 })).toBe(1);
  expect(beginning(now, { geometry: null, index: 0, count: 9 })).toBe(6);
  expect(beginning({ ...now, count: 1, index: 0 }, { geometry: null, index: 0, count: 9 })).toBe(0);
});
