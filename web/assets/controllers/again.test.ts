import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import AgainController from "./again";

const reload = vi.fn(async () => {});
let application: Application;

beforeEach(async () => {
  vi.useFakeTimers();
  reload.mockClear();
  document.body.innerHTML = '<turbo-frame data-controller="again" data-again-url-value="/look"></turbo-frame>';
  Object.assign(document.querySelector("turbo-frame") ?? {}, { reload, loaded: Promise.resolve() });
  application = Application.start();
  application.register("again", AgainController);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  application.stop();
  vi.useRealTimers();
});

test("it looks every two seconds", async () => {
  await vi.advanceTimersByTimeAsync(4100);
  expect(reload).toHaveBeenCalledTimes(2);
});

test("it stops with the answer that no longer asks for it", async () => {
  document.querySelector("turbo-frame")?.removeAttribute("data-controller");
  await vi.advanceTimersByTimeAsync(4100);
  expect(reload).not.toHaveBeenCalled();
});
