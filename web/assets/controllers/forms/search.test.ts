import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import SearchController from "./search";

let application: Application;
let sent: number;

beforeEach(async () => {
  vi.useFakeTimers();
  sent = 0;
  document.body.innerHTML = `<form data-controller="search" data-action="input->search#soon"><input name="q"></form>`;
  const form = document.querySelector("form") as HTMLFormElement;
  form.requestSubmit = () => {
    sent += 1;
  };
  application = Application.start();
  application.register("search", SearchController);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  application.stop();
  vi.useRealTimers();
});

function type(): void {
  document.querySelector("input")?.dispatchEvent(new Event("input", { bubbles: true }));
}

test("what is typed without a pause is sent once", async () => {
  type();
  await vi.advanceTimersByTimeAsync(200);
  type();
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toBe(0);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toBe(1);
});

test("a page that is left sends nothing", async () => {
  type();
  document.body.innerHTML = "";
  await vi.advanceTimersByTimeAsync(500);
  expect(sent).toBe(0);
});
