import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import ExportController from "./export";

let application: Application;
let sent: RequestInit[] = [];
let answer: () => Promise<Response>;
let kept: string[] = [];
let submitted = 0;

const part = (name: string): HTMLElement =>
  document.querySelector<HTMLElement>(`[data-export-target=${name}]`) ?? document.body;
const press = async (): Promise<void> => {
  part("button").click();
  await vi.waitFor(() => expect(sent.length).toBeGreaterThan(0));
};

beforeEach(async () => {
  document.body.innerHTML = `<form action="/x/export" data-controller="export" data-action="export#take">
    <input name="reason" value="care"><p data-export-target="waiting" hidden></p><p data-export-target="done" hidden></p>
    <p data-export-target="refusal" data-words="Not received." hidden></p><button data-export-target="button">Export</button>
    <button type="button" data-export-target="stop" data-action="export#stop" hidden>Stop</button></form>`;
  sent = [];
  kept = [];
  submitted = 0;
  vi.stubGlobal("fetch", (_url: string, request: RequestInit) => {
    sent.push(request);
    return new Promise<Response>((resolve, reject) => {
      request.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      void answer().then(resolve);
    });
  });
  URL.createObjectURL = () => "blob:x";
  URL.revokeObjectURL = () => undefined;
  HTMLAnchorElement.prototype.click = function click(): void {
    kept.push(this.download);
  };
  HTMLFormElement.prototype.submit = () => {
    submitted += 1;
  };
  application = Application.start();
  application.register("export", ExportController);
  await new Promise((resolve) => setTimeout(resolve));
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test("what arrives is kept under its name", async () => {
  const headers = { "Content-Disposition": 'attachment; filename="file.pdf"' };
  answer = () => Promise.resolve(new Response("%PDF-", { headers }));
  await press();
  await vi.waitFor(() => expect(part("done").hidden).toBe(false));
  expect(kept).toEqual(["file.pdf"]);
  expect(String(sent[0]?.body)).toBe("reason=care");
  expect(part("waiting").hidden).toBe(true);
});

test("while it is made the page says so, a second press asks for nothing, and one can stop", async () => {
  answer = () => new Promise(() => undefined);
  await press();
  expect(part("waiting").hidden).toBe(false);
  part("button").click();
  expect(sent.length).toBe(1);
  part("stop").click();
  await vi.waitFor(() => expect(part("waiting").hidden).toBe(true));
  expect(part("refusal").hidden).toBe(true);
});

test("what is refused is left to the page", async () => {
  answer = () => Promise.resolve(new Response("{}", { status: 422 }));
  await press();
  await vi.waitFor(() => expect(submitted).toBe(1));
});

test("what cannot be made now is said in place", async () => {
  answer = () => Promise.resolve(new Response('{"error": "Too much."}', { status: 503 }));
  await press();
  await vi.waitFor(() => expect(part("refusal").textContent).toBe("Too much."));
  expect(submitted).toBe(0);
});
