import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test } from "vitest";
import InsertingController from "./inserting";

const PAGE = `
  <form id="note-form" data-controller="inserting" data-inserting-inserted-value="Put into {section}">
    <label for="findings">Findings</label><textarea id="findings" name="findings"></textarea>
    <label for="opinion">Opinion</label><textarea id="opinion" name="opinion"></textarea>
    <p data-inserting-target="told"></p>
  </form>
  <button form="note-form" name="template" value="1" data-insert='{"findings": "Onset:", "opinion": "Headache."}'>T</button>
  <button form="note-form" name="phrase" data-insert="All is well." data-shortcut="nl" data-into="opinion">P</button>
  <button form="note-form" name="line" data-insert="Sodium: 140 mmol/L" data-line data-into="findings">L</button>
  <button form="other" name="line" data-insert="Not ours" data-into="findings">O</button>`;

let application: Application;
const area = (name: string) => document.querySelector(`[name=${name}]`) as HTMLTextAreaElement;
const press = (name: string, index = 0) =>
  document.querySelectorAll<HTMLElement>(`button[name=${name}]`)[index]?.click();

function write(name: string, text: string, at = text.length): void {
  area(name).value = text;
  area(name).focus();
  area(name).setSelectionRange(at, at);
  area(name).dispatchEvent(new Event("input", { bubbles: true }));
}

beforeEach(async () => {
  document.body.innerHTML = PAGE;
  application = Application.start();
  application.register("inserting", InsertingController);
  await new Promise((resolve) => setTimeout(resolve));
});

afterEach(() => application.stop());

test("a template goes below what stands in each section, and is not said twice", () => {
  write("findings", "Walks alone.");
  press("template");
  press("template");
  expect(area("findings").value).toBe("Walks alone.\nOnset:");
  expect(area("opinion").value).toBe("Headache.");
});

test("a line of the file stands on a line of its own where the cursor is", () => {
  write("opinion", "Before.After.", 7);
  press("line");
  expect(area("opinion").value).toBe("Before.\nSodium: 140 mmol/L\nAfter.");
  expect(document.querySelector("[data-inserting-target=told]")?.textContent).toBe("Put into Opinion");
});

test("where no cursor was, each thing knows its section", () => {
  press("phrase");
  press("line");
  expect(area("opinion").value).toBe("All is well.");
  expect(area("findings").value).toBe("Sodium: 140 mmol/L\n");
});

test("a shortcut that is typed becomes its phrase, in the middle of a word it does not", () => {
  write("findings", "Seen. .nl ");
  expect(area("findings").value).toBe("Seen. All is well. ");
  write("findings", "file.nl ");
  expect(area("findings").value).toBe("file.nl ");
  write("findings", ".unknown ");
  expect(area("findings").value).toBe(".unknown ");
});

test("a button of another form is left alone", () => {
  press("line", 1);
  expect(area("findings").value).toBe("");
});
