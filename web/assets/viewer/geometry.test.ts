import { expect, test } from "vitest";
import { carried, fitted, moved, scaleOf, toImage, toStage, turned, zoomed } from "./geometry";

const image = { width: 512, height: 256 };
const stage = { width: 1024, height: 1024 };

test("the whole image fits, in the middle", () => {
  const view = fitted(image);
  expect(scaleOf(view, image, stage)).toBe(2);
  expect(toStage({ x: 0, y: 0 }, view, image, stage)).toEqual({ x: 0, y: 256 });
  expect(toImage({ x: 512, y: 512 }, view, image, stage)).toEqual({ x: 256, y: 128 });
});

test("zooming keeps what lies under the pointer", () => {
  const pointer = { x: 300, y: 700 };
  const before = toImage(pointer, fitted(image), image, stage);
  const view = zoomed(fitted(image), 3, pointer, image, stage);
  const after = toImage(pointer, view, image, stage);
  expect(view.zoom).toBe(3);
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

test("zoom has bounds", () => {
  const middle = { x: 512, y: 512 };
  expect(zoomed(fitted(image), 1e6, middle, image, stage).zoom).toBe(32);
  expect(zoomed(fitted(image), 1e-6, middle, image, stage).zoom).toBe(0.25);
});

test("moving follows the finger, and the image cannot be lost", () => {
  const close = zoomed(fitted(image), 4, { x: 512, y: 512 }, image, stage);
  const view = moved(close, 80, -40, image, stage);
  expect(toStage({ x: close.x, y: close.y }, view, image, stage)).toEqual({ x: 592, y: 472 });
  expect(moved(close, 1e6, 1e6, image, stage)).toEqual({ zoom: 4, x: 0, y: 0, turn: 0 });
});

test("another series shows the same part", () => {
  const view = { zoom: 2, x: 128, y: 64, turn: 1 as const };
  expect(carried(view, image, { width: 256, height: 256 })).toEqual({ zoom: 2, x: 64, y: 64, turn: 1 });
});

test("a turned image fits the other way round, its right side down", () => {
  const view = turned(fitted(image));
  expect(scaleOf(view, image, { width: 256, height: 512 })).toBe(1);
  expect(toStage({ x: 512, y: 128 }, view, image, stage)).toEqual({ x: 512, y: 1024 });
  expect(moved(view, 0, 20, image, stage).x).toBe(246);
  expect(turned(turned(turned(view))).turn).toBe(0);
});

test("pixels that are higher than wide are shown so", () => {
  const tall = { ...image, aspect: 2 };
  expect(scaleOf(fitted(tall), tall, { width: 512, height: 512 })).toBe(1);
  expect(toStage({ x: 0, y: 256 }, fitted(tall), tall, { width: 512, height: 512 })).toEqual({ x: 0, y: 512 });
  expect(moved(fitted(tall), 0, 20, tall, { width: 512, height: 512 }).y).toBe(118);
  const turn = turned(fitted(tall));
  expect(toStage({ x: 512, y: 0 }, turn, tall, { width: 512, height: 512 })).toEqual({ x: 512, y: 512 });
  expect(toImage({ x: 512, y: 512 }, turn, tall, { width: 512, height: 512 })).toEqual({ x: 512, y: 0 });
});

test.each([0, 1, 2, 3] as const)("a point goes to the stage and back after %i quarter turns", (turn) => {
  const view = { zoom: 2.5, x: 100, y: 50, turn };
  const there = toStage({ x: 33, y: 44 }, view, image, stage);
  const back = toImage(there, view, image, stage);
  expect(back.x).toBeCloseTo(33);
  expect(back.y).toBeCloseTo(44);
});
