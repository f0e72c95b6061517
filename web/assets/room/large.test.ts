import { expect, test } from "vitest";
import { Large } from "./large";

function stage(): HTMLElement {
  const element = document.createElement("div");
  element.innerHTML = ["main", "self", "a"]
    .map((key) => `<div data-tile-key="${key}"><button class="tile-enlarge"></button></div>`)
    .join("");
  return element;
}

const large = (element: HTMLElement) => element.querySelector<HTMLElement>("[data-large]")?.dataset.tileKey;

test("any picture becomes the large one, and a second press puts it back", () => {
  const element = stage();
  const picture = new Large(element);
  picture.settle();
  expect(large(element)).toBe("main");
  picture.toggle("a");
  expect(large(element)).toBe("a");
  expect(element.querySelectorAll("[data-large]")).toHaveLength(1);
  expect(element.querySelector("[data-large] button")?.getAttribute("aria-pressed")).toBe("true");
  expect(element.hasAttribute("data-swapped")).toBe(true);
  picture.toggle("a");
  expect(large(element)).toBe("main");
  expect(element.hasAttribute("data-swapped")).toBe(false);
});

test("where the large one goes, the first is large", () => {
  const element = stage();
  const picture = new Large(element);
  picture.toggle("a");
  element.querySelector("[data-tile-key=a]")?.remove();
  picture.settle();
  expect(large(element)).toBe("main");
});

test("a screen that is shown takes the stage, unless another picture was chosen", () => {
  const element = stage();
  const picture = new Large(element);
  picture.offer("a");
  expect(large(element)).toBe("a");
  picture.reset();
  picture.toggle("self");
  picture.offer("a");
  expect(large(element)).toBe("self");
});
