import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Changed } from "../protocol.gen";

let hint: (change: Changed | null) => void = () => {};
// The socket is the world outside; what it would say is said by the tests.
vi.mock("../hints", () => ({
  subscribe: (listener: typeof hint) => {
    hint = listener;
    return () => {};
  },
}));
vi.mock("../room/chime", () => ({ chime: vi.fn() }));

const { default: NewsController } = await import("./news");
const { chime } = await import("../room/chime");
const arrival = (id: string): Changed => ({ what: "arrival", stamp: "1", id });
const shown = (): HTMLElement | null => document.querySelector("[role=alert]");
let application: Application;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.mocked(chime).mockClear();
  document.title = "Home";
  history.replaceState(null, "", "/");
  document.body.innerHTML = `<div data-controller="news"><a data-news-target="bell" data-count="3"></a>
    <template data-news-target="arrival"><div role="alert"><h3>They wait</h3><a href="/">Join</a><button>Later</button></div></template></div>`;
  application = Application.start();
  application.register("news", NewsController);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("who waits is said once, with a sound and the way there", () => {
  hint(arrival("7"));
  hint(arrival("7"));
  expect(document.querySelectorAll("[role=alert]")).toHaveLength(1);
  expect(shown()?.querySelector("a")?.getAttribute("href")).toBe("/consults/7/room");
  expect(chime).toHaveBeenCalled();
  shown()?.querySelector("button")?.click();
  expect(shown()).toBeNull();
});

test("other hints say nothing", () => {
  hint(null);
  hint({ what: "consult", stamp: "1", id: "7" });
  expect(shown()).toBeNull();
});

test("whoever is in that room sees it there", () => {
  history.replaceState(null, "", "/consults/7/room");
  hint(arrival("7"));
  expect(shown()).toBeNull();
  hint(arrival("8"));
  expect(shown()).not.toBeNull();
});

test("a tab behind another says it in its title, until it is looked at", () => {
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  hint(arrival("7"));
  expect(document.title).toBe("● They wait");
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(document.title).toBe("Home");
});

test("it does not stand there for ever", () => {
  hint(arrival("7"));
  vi.advanceTimersByTime(120_000);
  expect(shown()).toBeNull();
});
