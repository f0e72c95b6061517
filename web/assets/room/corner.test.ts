import { expect, test } from "vitest";
import { movable, nearest, stepped } from "./corner";

const STAGE = { left: 100, top: 100, width: 200, height: 100 };

test("it falls into the nearest corner", () => {
  expect(nearest(110, 110, STAGE)).toBe("top-left");
  expect(nearest(290, 110, STAGE)).toBe("top-right");
  expect(nearest(110, 190, STAGE)).toBe("bottom-left");
  expect(nearest(290, 190, STAGE)).toBe("bottom-right");
});

test("arrows lead from corner to corner and not beyond", () => {
  expect(stepped("bottom-right", "ArrowUp")).toBe("top-right");
  expect(stepped("top-right", "ArrowUp")).toBe("top-right");
  expect(stepped("top-right", "ArrowLeft")).toBe("top-left");
  expect(stepped("top-left", "Enter")).toBe("top-left");
});

test("keys move the picture, and no more once that has ended", () => {
  const tile = document.createElement("div");
  const end = movable(tile, document.createElement("div"));
  tile.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
  expect(tile.dataset.corner).toBe("bottom-left");
  tile.toggleAttribute("data-large", true);
  tile.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
  expect(tile.dataset.corner).toBe("bottom-left");
  tile.toggleAttribute("data-large", false);
  end();
  tile.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
  expect(tile.dataset.corner).toBe("bottom-left");
});
