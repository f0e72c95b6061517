import { expect, test } from "vitest";
import { type Edge, nameSides, sideAt } from "./sides";

const EDGES: Edge[] = ["top", "right", "bottom", "left"];
const AXIAL = [1, 0, 0, 0, 1, 0] as [number, number, number, number, number, number];
const SAGITTAL = [0, 1, 0, 0, 0, -1] as typeof AXIAL;

test("a slice across the body is seen from the feet", () => {
  expect(EDGES.map((edge) => sideAt(edge, AXIAL, 0))).toEqual(["A", "L", "P", "R"]);
});

test("a slice along the body has the head up", () => {
  expect(EDGES.map((edge) => sideAt(edge, SAGITTAL, 0))).toEqual(["H", "P", "F", "A"]);
});

test("turned clockwise, what was on top is on the right", () => {
  expect(EDGES.map((edge) => sideAt(edge, AXIAL, 1))).toEqual(["R", "A", "L", "P"]);
  expect(EDGES.map((edge) => sideAt(edge, AXIAL, 2))).toEqual(["P", "R", "A", "L"]);
});

test("a slanting slice names both sides, the nearer first", () => {
  const slanting = [1, 0, 0, 0, Math.cos(0.5), -Math.sin(0.5)] as typeof AXIAL;
  expect(sideAt("bottom", slanting, 0)).toBe("PF");
  const slightly = [1, 0, 0, 0, Math.cos(0.2), -Math.sin(0.2)] as typeof AXIAL;
  expect(sideAt("bottom", slightly, 0)).toBe("P");
});

test("nothing is named where nothing is known", () => {
  expect(sideAt("top", null, 0)).toBe("");
});

test("in the reader's own letters, with DICOM's beside them where they differ", () => {
  const edges = EDGES.map((edge) => {
    const element = document.createElement("span");
    element.dataset.edge = edge;
    return element;
  });
  nameSides(edges, AXIAL, 0, ["D", "G", "A", "P", "S", "I"]);
  expect(edges.map(({ textContent, title }) => [textContent, title])).toEqual([
    ["A", ""],
    ["G", "DICOM: L"],
    ["P", ""],
    ["D", "DICOM: R"],
  ]);
});
