import { beforeEach, expect, test } from "vitest";
import "./corrected";

const find = <Found extends Element>(selector: string): Found => {
  const found = document.querySelector<Found>(selector);
  if (!found) throw new Error(selector);
  return found;
};

beforeEach(() => {
  document.body.innerHTML = `<p data-refused="">Some answers need another look.</p><form id="f"><textarea id="q" required aria-invalid="true" aria-describedby="q-hint q-error"></textarea>
    <p id="q-hint">Hint</p><p class="field-error" id="q-error">Say something.</p>
    <fieldset><input type="radio" name="mode" value="advice"><p class="field-error" id="mode-error">Choose.</p></fieldset></form>
    <input type="checkbox" id="c" form="f" aria-invalid="true" aria-describedby="c-error"><div id="c-error">Record it.</div>`;
});

function change(selector: string, act: (field: HTMLInputElement) => void): void {
  const field = find<HTMLInputElement>(selector);
  act(field);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

test("what was mended is red no more, and its hint stays", () => {
  change("#q", (field) => (field.value = "Headache?"));
  expect(find("#q").hasAttribute("aria-invalid")).toBe(false);
  expect([find<HTMLElement>("#q-error").hidden, find<HTMLElement>("#q-hint").hidden]).toEqual([true, false]);
  expect([find<HTMLElement>("#c-error").hidden, find<HTMLElement>("[data-refused]").hidden]).toEqual([false, false]);
});

test("what is still empty stays refused", () => {
  change("#q", (field) => (field.value = "  "));
  change("#c", () => {});
  expect([find<HTMLElement>("#q-error").hidden, find<HTMLElement>("#c-error").hidden]).toEqual([false, false]);
});

test("a choice mends its group, and a box outside the form its own words", () => {
  change("[name=mode]", (field) => (field.checked = true));
  change("#c", (field) => (field.checked = true));
  expect([find<HTMLElement>("#mode-error").hidden, find<HTMLElement>("#c-error").hidden]).toEqual([true, true]);
  change("#q", (field) => (field.value = "Headache?"));
  expect(find<HTMLElement>("[data-refused]").hidden).toBe(true);
});
