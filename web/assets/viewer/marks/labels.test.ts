import { expect, test } from "vitest";
import { LINE_HEIGHT, placesOf } from "./labels";

const PHONE = { width: 360, height: 400 };
const length = (x: number, y: number, label = ["123.4 mm"]) => ({
  line: [
    { x: x - 40, y },
    { x, y },
  ],
  label,
});

test("right of a mark, a little above", () => {
  expect(placesOf([length(100, 200)], PHONE)).toEqual([{ x: 110, y: 190 }]);
});

test("always on the stage", () => {
  const [right, below] = placesOf([length(359, 200), length(100, 405, ["1", "2", "3"])], PHONE);
  expect(right?.x).toBe(360 - 8 * 7.5);
  expect(below?.y).toBe(400 - 2 * LINE_HEIGHT);
});

test.each([2, 3, 8, 20])("%i marks in one place have words that can all be read", (count) => {
  const marks = Array.from({ length: count }, (_unused, at) => length(180 + at, 200 + at));
  const places = placesOf(marks, PHONE);
  for (const [at, one] of places.entries()) {
    for (const other of places.slice(at + 1)) {
      const isApart = Math.abs(one.x - other.x) >= 60 || Math.abs(one.y - other.y) >= LINE_HEIGHT;
      expect(isApart, `${JSON.stringify(one)} ${JSON.stringify(other)}`).toBe(true);
    }
  }
});

test("a mark without words takes no room", () => {
  const [, second] = placesOf([length(100, 200, []), length(100, 200)], PHONE);
  expect(second).toEqual({ x: 110, y: 190 });
});
