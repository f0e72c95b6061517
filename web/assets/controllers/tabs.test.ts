import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test } from "vitest";
import TabsController from "./tabs";

let application: Application;

const tab = (name: string): HTMLElement =>
  document.querySelector<HTMLElement>(`[href="#${name}"]`) ?? document.createElement("a");
const shown = (): string[] => [...document.querySelectorAll("section:not([hidden])")].map((panel) => panel.id);

beforeEach(async () => {
  const link = (name: string): string =>
    `<a href="#${name}" data-tabs-target="tab" data-action="tabs#choose keydown->tabs#step">${name}</a>`;
  const panel = (name: string): string => `<section id="${name}" data-tabs-target="panel"></section>`;
  document.body.innerHTML = `<div data-controller="tabs"><div>${["a", "b", "c"].map(link).join("")}</div>
    ${["a", "b", "c"].map(panel).join("")}</div>`;
  application = Application.start();
  application.register("tabs", TabsController);
  await new Promise((resolve) => setTimeout(resolve));
});

afterEach(() => application.stop());

test("one panel is shown, and assistive software is told which", () => {
  expect(shown()).toEqual(["a"]);
  tab("b").click();
  expect(shown()).toEqual(["b"]);
  expect(tab("b").getAttribute("aria-selected")).toBe("true");
  expect(tab("a").getAttribute("aria-selected")).toBe("false");
  expect(tab("b").parentElement?.getAttribute("role")).toBe("tablist");
});

test.each([
  ["ArrowRight", "b"],
  ["ArrowLeft", "c"],
  ["End", "c"],
  ["Home", "a"],
])("%s goes to %s and takes the focus along", (key, name) => {
  tab("a").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  expect(shown()).toEqual([name]);
  expect(document.activeElement).toBe(tab(name));
});

test("other keys are left alone", () => {
  tab("a").dispatchEvent(new KeyboardEvent("keydown", { key: "Tab", bubbles: true }));
  expect(shown()).toEqual(["a"]);
});
