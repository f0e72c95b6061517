import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import PickerController from "./picker";

let application: Application;
const element = <T extends HTMLElement>(selector: string) => document.querySelector<T>(selector) as T;

beforeEach(async () => {
  document.body.innerHTML = `
    <div data-controller="picker" data-picker-words-value="{n} chosen">
      <p data-picker-target="count"></p>
      <div data-picker-target="kinds" hidden>
        <button id="all" aria-pressed="true" data-action="picker#show" data-picker-kind-param=""></button>
        <button id="pills" aria-pressed="false" data-action="picker#show" data-picker-kind-param="medicines"></button>
      </div>
      <fieldset id="problems" data-picker-target="group" data-kind="problems">
        <input type="checkbox" checked data-action="picker#count" data-picker-target="box">
      </fieldset>
      <fieldset id="medicines" data-picker-target="group" data-kind="medicines">
        <input id="pill" type="checkbox" value="b" data-action="picker#count" data-picker-target="box">
      </fieldset>
    </div>`;
  application = Application.start();
  application.register("picker", PickerController);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

afterEach(() => application.stop());

test("what is chosen is counted, shown or not", () => {
  expect(element("p").textContent).toBe("1 chosen");
  element("#pills").click();
  element("#pill").click();
  expect(element("p").textContent).toBe("2 chosen");
});

test("one kind is shown, then all again", () => {
  element("#pills").click();
  expect([element("#problems").hidden, element("#medicines").hidden]).toEqual([true, false]);
  expect(element("#pills").getAttribute("aria-pressed")).toBe("true");
  element("#all").click();
  expect([element("#problems").hidden, element("#medicines").hidden]).toEqual([false, false]);
});

test("the choice of kinds waits for its script", () => {
  expect(element("[data-picker-target=kinds]").hidden).toBe(false);
});

test("what a morph took away is said again", () => {
  element("[data-controller=picker]").setAttribute("data-action", "turbo:render@document->picker#drawn");
  return new Promise<void>((done) => setTimeout(done, 0)).then(() => {
    element("p").textContent = "";
    element("[data-picker-target=kinds]").hidden = true;
    document.dispatchEvent(new CustomEvent("turbo:render"));
    expect(element("p").textContent).toBe("1 chosen");
    expect(element("[data-picker-target=kinds]").hidden).toBe(false);
  });
});

test("another suggestion brings the list anew, the same one leaves it", async () => {
  const reload = vi.fn(async () => {});
  const frame = Object.assign(document.createElement("turbo-frame"), { src: "", reload, loaded: Promise.resolve() });
  const list = element("[data-controller=picker]");
  list.replaceWith(frame);
  frame.append(list);
  list.dataset.pickerUrlValue = "/consults/1";
  list.dataset.pickerSuggestionValue = "neurology";
  list.setAttribute("data-action", "autosave:saved@document->picker#saved");
  const saved = (specialty: string) =>
    document.dispatchEvent(new CustomEvent("autosave:saved", { detail: { suggested_for: specialty } }));
  await new Promise((done) => setTimeout(done, 0));
  saved("neurology");
  await new Promise((done) => setTimeout(done, 0));
  expect(reload).not.toHaveBeenCalled();
  saved("trauma");
  expect(frame.src).toBe("/consults/1");
  await vi.waitFor(() => expect(reload).toHaveBeenCalledOnce());
  element<HTMLInputElement>("#pill").click();
  const newFrame = document.createElement("div");
  newFrame.innerHTML =
    '<input name="entries" value="a" type="checkbox"><input name="entries" value="b" type="checkbox">';
  frame.dispatchEvent(new CustomEvent("turbo:before-frame-render", { detail: { newFrame } }));
  expect([...newFrame.querySelectorAll("input")].map((box) => box.checked)).toEqual([false, true]);
});

test("the form learns of the version that came with the list, never of an older one", async () => {
  const form = document.createElement("form");
  form.innerHTML = '<input type="hidden" name="version" value="4">';
  const list = element("[data-controller=picker]");
  list.replaceWith(form);
  for (const [version, told] of [
    [6, "6"],
    [5, "6"],
  ] as const) {
    list.remove();
    await new Promise((resolve) => setTimeout(resolve, 0));
    list.dataset.pickerVersionValue = String(version);
    form.append(list);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(form.querySelector("input")?.value).toBe(told);
  }
});
