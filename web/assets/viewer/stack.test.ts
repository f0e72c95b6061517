import { expect, test } from "vitest";
import { ahead, following, type Manifest, nearest, seriesOf, spread, stepped } from "./stack";

const manifest: Manifest = {
  path: "/studies/1.2",
  id: "x",
  series: [
    {
      uid: "1.2.9",
      title: "Axial",
      modality: "CT",
      instances: [
        ["1.2.1", 1, 256, 512, ""],
        ["1.2.2", 0, 0, 0, "The file holds no image."],
      ],
    },
    { uid: "1.2.8", title: "", modality: "US", instances: [["1.2.3", 3, 240, 320, ""]] },
  ],
};

test("instances become slices, frames too", () => {
  const [axial, cine] = seriesOf(manifest);
  expect(axial?.slices.map((slice) => slice.hidden)).toEqual(["", "The file holds no image."]);
  expect(axial?.slices[0]).toMatchObject({
    path: "/studies/1.2/instances/1.2.1/frames/1",
    width: 512,
    height: 256,
    sop: "1.2.1",
  });
  expect(axial?.path).toBe("/studies/1.2/series/1.2.9");
  expect(axial?.moves).toBe(false);
  expect(cine?.moves).toBe(true);
  expect(cine?.slices.map((slice) => slice.path.at(-1))).toEqual(["1", "2", "3"]);
});

test("stepping stops at the ends, or goes round", () => {
  expect(stepped(1, 5, 3)).toBe(2);
  expect(stepped(1, -5, 3)).toBe(0);
  expect(stepped(2, 1, 3, true)).toBe(0);
  expect(stepped(0, -1, 3, true)).toBe(2);
});

test("the nearest come first, ahead before behind", () => {
  expect(nearest(5, 10, 4, 1)).toEqual([6, 4, 7, 3]);
  expect(nearest(5, 10, 3, -1)).toEqual([4, 6, 3]);
  expect(nearest(0, 3, 10, 1)).toEqual([1, 2]);
  expect(nearest(0, 1, 4, 1)).toEqual([]);
});

test("an overview is the middle, the ends, and what lies evenly between, coarse to fine", () => {
  expect(spread(0, 50)).toEqual([]);
  expect(spread(1, 50)).toEqual([0]);
  expect(spread(3, 50).toSorted()).toEqual([0, 1, 2]);
  expect(spread(400, 5)).toEqual([200, 0, 399, 100, 299]);
  const many = spread(400, 50);
  expect(new Set(many).size).toBe(50);
  const sorted = many.toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((place, at) => place - (sorted[at] ?? 0));
  expect([Math.min(...gaps), Math.max(...gaps)]).toEqual([8, 9]);
});

test("ahead is where one travels to, up to the end", () => {
  expect(ahead(5, 10, 3, 1)).toEqual([6, 7, 8]);
  expect(ahead(2, 10, 5, -1)).toEqual([1, 0]);
  expect(ahead(9, 10, 5, 1)).toEqual([]);
});

test("what plays goes round", () => {
  expect(following(3, { first: 0, count: 5 })).toEqual([3, 4, 0, 1, 2]);
  expect(following(6, { first: 5, count: 3 })).toEqual([6, 7, 5]);
});
