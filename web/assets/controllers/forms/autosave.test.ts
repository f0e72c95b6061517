import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import AutosaveController from "./autosave";

const FORM = `
  <form data-controller="autosave" data-autosave-url-value="/notes/1" data-autosave-delay-value="800">
    <input type="hidden" name="version" value="3">
    <textarea name="text"></textarea>
    <span data-autosave-target="state" data-saving="Saving" data-saved="Saved at {time}" data-failed="Not saved"
          data-offline="Offline" data-conflict="Changed by someone else" data-signed-out="Signed out"></span>
    <a href="/sign-in" data-autosave-target="door" hidden>Sign in</a>
  </form>`;

const server = vi.fn<typeof fetch>();
let application: Application;

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
const state = (): string | null => document.querySelector("[data-autosave-target=state]")?.textContent ?? null;

const door = (): HTMLElement | null => document.querySelector("[data-autosave-target=door]");

function page(head: string): Response {
  const response = new Response(`<head>${head}</head>`);
  Object.defineProperty(response, "url", { value: "http://localhost/notes/1" });
  return response;
}

function type(text: string): void {
  const area = document.querySelector("textarea");
  if (!area) throw new Error("no textarea");
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function sent(call: number): URLSearchParams {
  return server.mock.calls[call]?.[1]?.body as URLSearchParams;
}

beforeEach(async () => {
  vi.useFakeTimers();
  server.mockReset();
  vi.stubGlobal("fetch", server);
  document.documentElement.lang = "en";
  document.head.innerHTML = '<meta name="csrf-token" content="t0ken">';
  document.body.innerHTML = FORM;
  application = Application.start();
  application.register("autosave", AutosaveController);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("several keystrokes cost one request, which carries the token and the version", async () => {
  server.mockResolvedValue(json(200, { version: 4, saved_at: "2026-11-22T10:05:00Z" }));
  type("C");
  await vi.advanceTimersByTimeAsync(500);
  type("Ce");
  await vi.advanceTimersByTimeAsync(799);
  expect(server).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(server).toHaveBeenCalledOnce();
  expect(server.mock.calls[0]?.[1]).toMatchObject({ method: "PATCH", headers: { "X-CSRF-Token": "t0ken" } });
  expect(Object.fromEntries(sent(0))).toEqual({ version: "3", text: "Ce" });
  expect(state()).toMatch(/^Saved at \d/);
  expect(document.querySelector("input")?.value).toBe("4");
});

test("what is typed during a save is saved after it, with the new version", async () => {
  let answer: (response: Response) => void = () => {};
  server.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  server.mockResolvedValue(json(200, { version: 5 }));
  type("one");
  await vi.advanceTimersByTimeAsync(800);
  type("two");
  await vi.advanceTimersByTimeAsync(2000);
  expect(server).toHaveBeenCalledOnce();
  answer(json(200, { version: 4 }));
  await vi.advanceTimersByTimeAsync(800);
  expect(Object.fromEntries(sent(1))).toEqual({ version: "4", text: "two" });
});

test("a failed save says so and is tried again", async () => {
  server.mockResolvedValueOnce(json(503, {}));
  server.mockResolvedValueOnce(json(200, { version: 4, saved_at: "2026-11-22T10:05:00Z" }));
  type("words");
  await vi.advanceTimersByTimeAsync(800);
  expect(state()).toBe("Not saved");
  await vi.advanceTimersByTimeAsync(5000);
  expect(state()).toMatch(/^Saved/);
});

test("without a connection the words stay, and go when it is back", async () => {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  server.mockRejectedValueOnce(new TypeError("offline"));
  server.mockResolvedValueOnce(json(200, { version: 4 }));
  type("words");
  await vi.advanceTimersByTimeAsync(800);
  expect(state()).toBe("Offline");
  dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(server).toHaveBeenCalledTimes(2);
});

test("someone else's change stops the saving", async () => {
  server.mockResolvedValue(json(409, {}));
  type("mine");
  await vi.advanceTimersByTimeAsync(800);
  type("mine again");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(state()).toBe("Changed by someone else");
  expect(server).toHaveBeenCalledOnce();
});

test("leaving with unsaved words asks first; leaving after the save does not", async () => {
  server.mockImplementation(async () => json(200, { version: 4 }));
  const leave = (): boolean => dispatchEvent(new Event("beforeunload", { cancelable: true }));
  type("words");
  expect(leave()).toBe(false);
  await vi.advanceTimersByTimeAsync(800);
  expect(leave()).toBe(true);
});

test("an element taken away by a visit saves what it still held", async () => {
  server.mockImplementation(async () => json(200, { version: 4 }));
  type("last words");
  document.querySelector("form")?.remove();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent(0).get("text")).toBe("last words");
});

test("a submission waits for the save on its way, and carries the version it led to", async () => {
  let answer: (response: Response) => void = () => {};
  server.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const submitted: string[] = [];
  document.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted.push(document.querySelector("input")?.value ?? "");
  });
  type("words");
  await vi.advanceTimersByTimeAsync(800);
  document.querySelector("form")?.requestSubmit();
  expect(submitted).toEqual([]);
  answer(json(200, { version: 4 }));
  await vi.advanceTimersByTimeAsync(0);
  expect(submitted).toEqual(["4"]);
});

test("words typed before this script came are saved too, and an untouched form is not", async () => {
  server.mockResolvedValue(json(200, { version: 4, saved_at: "2026-11-22T10:05:00Z" }));
  await vi.advanceTimersByTimeAsync(5000);
  expect(server).not.toHaveBeenCalled();
  application.stop();
  document.body.innerHTML = FORM;
  const area = document.querySelector("textarea");
  if (area) area.value = "before the script";
  application = Application.start();
  application.register("autosave", AutosaveController);
  await vi.advanceTimersByTimeAsync(1000);
  expect(server).toHaveBeenCalledOnce();
  expect(sent(0).get("text")).toBe("before the script");
});

test("a session that ended is said, and the words go once somebody signed in again", async () => {
  server.mockResolvedValueOnce(json(401, {}));
  type("words");
  await vi.advanceTimersByTimeAsync(800);
  expect(state()).toBe("Signed out");
  expect(door()?.hidden).toBe(false);
  server.mockResolvedValueOnce(json(403, {}));
  server.mockResolvedValueOnce(page('<meta name="csrf-token" content="n3w">'));
  server.mockResolvedValueOnce(json(200, { version: 4, saved_at: "2026-11-22T10:05:00Z" }));
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(5000);
  expect(server.mock.lastCall?.[1]).toMatchObject({ headers: { "X-CSRF-Token": "n3w" } });
  expect(state()).toMatch(/^Saved/);
  expect(door()?.hidden).toBe(true);
});

test("a form that was sent and not taken keeps its words on the page, and saves them", async () => {
  server.mockImplementation(async () => json(401, {}));
  const form = document.querySelector("form");
  form?.addEventListener("submit", (event) => event.preventDefault());
  type("words");
  form?.requestSubmit();
  const answer = (statusCode: number): boolean =>
    form?.dispatchEvent(
      new CustomEvent("turbo:before-fetch-response", { cancelable: true, detail: { fetchResponse: { statusCode } } }),
    ) ?? false;
  expect(answer(422)).toBe(true);
  expect(server).not.toHaveBeenCalled();
  expect(answer(401)).toBe(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(state()).toBe("Signed out");
  expect(sent(0).get("text")).toBe("words");
});

test("a form that was sent for a part of its own goes on saving once that came", async () => {
  server.mockImplementation(async () => json(200, { version: 4, suggested_for: "trauma" }));
  const told = vi.fn();
  document.addEventListener("autosave:saved", (event) => told((event as CustomEvent).detail.suggested_for));
  const form = document.querySelector("form") as HTMLFormElement;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.requestSubmit();
  type("while the part comes");
  await vi.advanceTimersByTimeAsync(2000);
  expect(server).not.toHaveBeenCalled();
  form.dispatchEvent(new CustomEvent("turbo:frame-load", { bubbles: true }));
  await vi.advanceTimersByTimeAsync(0);
  expect(sent(0).get("text")).toBe("while the part comes");
  expect(told).toHaveBeenCalledWith("trauma");
});

test("a form that was refused and came back in its page goes on saving; one that is gone does not", async () => {
  server.mockImplementation(async () => json(200, { version: 4 }));
  const form = document.querySelector("form") as HTMLFormElement;
  form.addEventListener("submit", (event) => event.preventDefault());
  const rendered = async (): Promise<void> => {
    document.dispatchEvent(new CustomEvent("turbo:render"));
    await vi.advanceTimersByTimeAsync(2000);
  };
  await rendered();
  expect(server, "nothing was sent").not.toHaveBeenCalled();
  form.requestSubmit();
  await rendered();
  expect(server).toHaveBeenCalledOnce();
  type("mended");
  await vi.advanceTimersByTimeAsync(800);
  expect(sent(1).get("text")).toBe("mended");
  form.requestSubmit();
  form.remove();
  await rendered();
  expect(server).toHaveBeenCalledTimes(2);
});
