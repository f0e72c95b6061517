import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Changed } from "../protocol.gen";

let hint: (change: Changed | null) => void = () => {};
const stop = vi.fn();
// The socket is the world outside; what it would say is said by the tests.
vi.mock("../hints", () => ({
  subscribe: (listener: typeof hint) => {
    hint = listener;
    return stop;
  },
}));

const { default: LiveController } = await import("./live");
const reload = vi.fn(async () => {});
const changed = (what: Changed["what"], id?: string): Changed => ({ what, stamp: "1", id });
let application: Application;

beforeEach(async () => {
  vi.useFakeTimers();
  reload.mockClear();
  document.body.innerHTML =
    '<turbo-frame data-controller="live" data-live-url-value="/look" data-live-what-value="consult" data-live-id-value="7"><input></turbo-frame>';
  Object.assign(document.querySelector("turbo-frame") ?? {}, { reload, loaded: Promise.resolve() });
  application = Application.start();
  application.register("live", LiveController);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  application.stop();
  vi.useRealTimers();
});

test("a frame that came with its content gets its address with the first look", async () => {
  const frame = document.querySelector<HTMLElement & { src?: string; disabled?: boolean }>("turbo-frame");
  expect(frame?.src).toBeUndefined();
  hint(changed("consult", "7"));
  await vi.advanceTimersByTimeAsync(300);
  expect([frame?.src, frame?.disabled, frame?.hasAttribute("complete")]).toEqual(["/look", false, true]);
});

test("several hints cost one look", async () => {
  hint(changed("consult", "7"));
  hint(changed("consult"));
  await vi.advanceTimersByTimeAsync(300);
  expect(reload).toHaveBeenCalledOnce();
});

test.each([
  [changed("encounter", "7"), 0],
  [changed("consult", "8"), 0],
  [changed("consult"), 1],
  [changed("everything"), 1],
  [null, 1],
])("%o leads to %i looks", async (change, looks) => {
  hint(change);
  await vi.advanceTimersByTimeAsync(300);
  expect(reload).toHaveBeenCalledTimes(looks);
});

test("nothing is taken from under somebody's fingers", async () => {
  document.querySelector("input")?.focus();
  hint(changed("consult", "7"));
  await vi.advanceTimersByTimeAsync(3000);
  expect(reload).not.toHaveBeenCalled();
  document.querySelector("input")?.blur();
  await vi.advanceTimersByTimeAsync(300);
  expect(reload).toHaveBeenCalledOnce();
});

test("words that are not sent stay until they are", async () => {
  const field = document.querySelector("input") as HTMLInputElement;
  field.value = "5 mg";
  hint(changed("consult", "7"));
  await vi.advanceTimersByTimeAsync(3000);
  expect(reload).not.toHaveBeenCalled();
  field.value = "";
  await vi.advanceTimersByTimeAsync(300);
  expect(reload).toHaveBeenCalledOnce();
});

/** What Turbo does once an answer is here; whether it would be shown. */
function comes(): boolean {
  const frame = document.querySelector("turbo-frame") as HTMLElement;
  const shows = vi.fn();
  const detail = { render: shows };
  frame.dispatchEvent(new CustomEvent("turbo:before-frame-render", { bubbles: true, detail }));
  detail.render();
  return shows.mock.calls.length === 1;
}

test("words begun while a look was under way stay, and the answer to a form is shown", async () => {
  const frame = document.querySelector("turbo-frame") as HTMLElement;
  const field = document.querySelector("input") as HTMLInputElement;
  hint(changed("consult", "7"));
  await vi.advanceTimersByTimeAsync(300);
  field.value = "5 mg";
  expect(comes()).toBe(false);
  frame.dispatchEvent(new CustomEvent("turbo:submit-start", { bubbles: true }));
  frame.dispatchEvent(new CustomEvent("turbo:submit-end", { bubbles: true, detail: { success: false } }));
  expect(comes()).toBe(true);
  frame.dispatchEvent(new CustomEvent("turbo:submit-start", { bubbles: true }));
  frame.dispatchEvent(new CustomEvent("turbo:submit-end", { bubbles: true, detail: { error: new Error() } }));
  expect(comes()).toBe(false);
  field.value = "";
  expect(comes()).toBe(true);
});

test("a frame that is gone hears nothing more", async () => {
  document.body.innerHTML = "";
  await vi.advanceTimersByTimeAsync(0);
  expect(stop).toHaveBeenCalled();
});

test("what was chosen of a list and is not sent stays chosen", () => {
  const frame = document.querySelector("turbo-frame") as HTMLElement;
  frame.insertAdjacentHTML("beforeend", "<select><option>Nobody</option><option>Dr Minh</option></select>");
  const list = frame.querySelector("select") as HTMLSelectElement;
  const morphs = () => {
    const detail = { attributeName: "selected" };
    const event = new CustomEvent("turbo:before-morph-attribute", { bubbles: true, cancelable: true, detail });
    return list.options[0]?.dispatchEvent(event);
  };
  expect(morphs()).toBe(true);
  list.selectedIndex = 1;
  expect(morphs()).toBe(false);
});
