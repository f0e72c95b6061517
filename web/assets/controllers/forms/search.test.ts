import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import SearchController from "./search";

let application: Application;
let sent: number;

beforeEach(async () => {
  vi.useFakeTimers();
  sent = 0;
  document.body.innerHTML = `<form data-controller="search" data-turbo-frame="found" data-action="input->search#soon
    turbo:before-frame-render@document->search#wait pointerdown@window->search#pressed
    pointerup@window->search#released"><input name="q"></form><div id="found"><a href="#">Rose</a></div>`;
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

test("the answer waits while something is pressed, and comes after the click", async () => {
  const order: string[] = [];
  const link = document.querySelector("a") as HTMLAnchorElement;
  link.addEventListener("click", () => order.push("click"));
  const arrives = () => {
    const detail = { resume: () => order.push("answer") };
    const event = new CustomEvent("turbo:before-frame-render", { bubbles: true, cancelable: true, detail });
    return document.getElementById("found")?.dispatchEvent(event);
  };
  expect(arrives()).toBe(true);
  window.dispatchEvent(new Event("pointerdown"));
  expect(arrives()).toBe(false);
  window.dispatchEvent(new Event("pointerup"));
  link.click();
  await vi.advanceTimersByTimeAsync(0);
  expect(order).toEqual(["click", "answer"]);
});
