import { expect, test } from "vitest";
import { labelOf, sentenceOf, type Words } from "./saying";
import type { Kept } from "./sheet";

const WORDS: Words = {
  length: "Longueur",
  angle: "Angle",
  area: "Surface",
  mean: "Moyenne",
  detector: "au détecteur",
  kept: "Conservé par",
  mm: "mm",
  mm2: "mm²",
  px: "px",
  px2: "px²",
  deg: "°",
  HU: "UH",
};

function area(values: Kept["values"]): Kept {
  const place = { series: "1", sop: "1.1", frame: 1, id: "kept-0", graphic: [], by: "", at: "", report: "" };
  return { ...place, kind: "area", atDetector: false, values };
}

const GREY = area([
  { quantity: "area", value: 12.34, unit: "mm2" },
  { quantity: "mean", value: -812.4, unit: "HU" },
  { quantity: "min", value: -1000, unit: "HU" },
  { quantity: "max", value: -0.2, unit: "HU" },
]);

test("numbers are the reader's, with a true minus, and none before nothing", () => {
  expect(labelOf(GREY, WORDS, "fr")).toEqual([
    "12,3\u00a0mm²",
    "Moyenne \u2212812\u00a0UH",
    "\u22121\u202f000\u00a0…\u00a00\u00a0UH",
  ]);
  expect(labelOf(GREY, WORDS, "en")[2]).toBe("\u22121,000\u00a0…\u00a00\u00a0UH");
});

test("a unit nobody named stands as it is", () => {
  expect(sentenceOf(area([{ quantity: "area", value: 2, unit: "cm2" }]), WORDS, "en")).toBe("Surface · 2\u00a0cm2");
});
