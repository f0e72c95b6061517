import { beforeEach, expect, test, vi } from "vitest";
import { fitted } from "../geometry";
import { placeOf, RESTS_MS, RemotePointer, spotAt } from "./pointer";

const IMAGE = { width: 100, height: 100 };
const SLICE = { path: "", sop: "1.1", frame: 1, width: 100, height: 100, hidden: "" };
const SERIES = { uid: "1", title: "", modality: "CT", slices: [], moves: false };

function viewer(changes: object = {}): ConstructorParameters<typeof RemotePointer>[1] {
  const seen = { slice: SLICE, series: SERIES, view: fitted(IMAGE), image: IMAGE, stage: { width: 400, height: 200 } };
  return { ...seen, ...changes } as never;
}

beforeEach(() => {
  vi.useFakeTimers();
});

test("a place in the image is the same on a screen of another size, turned and zoomed", () => {
  const spot = spotAt({ x: 250, y: 50 }, viewer());
  expect(spot).toEqual({ series: "1", sop: "1.1", frame: 1, x: 75, y: 25 });
  expect(placeOf(spot, viewer())).toEqual({ x: 250, y: 50 });
  const other = viewer({ stage: { width: 200, height: 300 }, view: { zoom: 2, x: 75, y: 25, turn: 1 } });
  expect(placeOf(spot, other)).toEqual({ x: 100, y: 150 });
});

test("it is not seen on another slice, nor beside the stage", () => {
  const spot = spotAt({ x: 250, y: 50 }, viewer());
  for (const elsewhere of [
    { slice: { ...SLICE, sop: "1.2" } },
    { slice: { ...SLICE, frame: 2 } },
    { series: { ...SERIES, uid: "2" } },
    { view: { zoom: 8, x: 10, y: 90, turn: 0 } },
  ]) {
    expect(placeOf(spot, viewer(elsewhere))).toBeNull();
  }
});

test("an arrow that rests goes, and moving brings it back", () => {
  const arrow = document.createElement("div");
  arrow.append(document.createElement("span"));
  const pointer = new RemotePointer(arrow, viewer());
  pointer.show(spotAt({ x: 250, y: 50 }, viewer()), "Dr Roy");
  expect([arrow.hidden, arrow.style.transform]).toEqual([false, "translate(250.0px, 50.0px)"]);
  expect(arrow.textContent).toBe("Dr Roy");
  vi.advanceTimersByTime(RESTS_MS - 1);
  pointer.place();
  expect(arrow.hidden).toBe(false);
  vi.advanceTimersByTime(1);
  expect(arrow.hidden).toBe(true);
  pointer.place();
  expect(arrow.hidden).toBe(true);
  pointer.show(spotAt({ x: 1, y: 1 }, viewer()), "Dr Roy");
  expect(arrow.hidden).toBe(false);
  pointer.hide();
  expect(arrow.hidden).toBe(true);
});
