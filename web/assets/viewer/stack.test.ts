import { expect, test } from "vitest";
import { type Manifest, nearest, seriesOf, stepped } from "./stack";

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
