import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import CopyController from "./copy";

let application: Application;
const written = vi.fn(async (_text: string) => undefined);

const start = async (text: string) => {
  document.body.innerHTML = `<div data-controller="copy">${text}<button type="button" data-action="copy#copy">Copy</button>
    <span data-copy-target="done" hidden>Copied</span></div>`;
  await new Promise((resolve) => setTimeout(resolve));
  document.querySelector<HTMLButtonElement>("[data-action='copy#copy']")?.click();
  await new Promise((resolve) => setTimeout(resolve));
};

const done = () => document.querySelector<HTMLElement>("[data-copy-target=done]");

beforeEach(() => {
  written.mockReset();
  vi.stubGlobal("navigator", { clipboard: { writeText: written } });
  application = Application.start();
  application.register("copy", CopyController);
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test.each([
  '<input value="https://a.test/join/1" data-copy-target="text">',
  '<p data-copy-target="text"> https://a.test/join/1 </p>',
])("a field or a paragraph is copied, and it says so", async (text) => {
  await start(text);
  expect(written).toHaveBeenCalledWith("https://a.test/join/1");
  expect(done()?.hidden).toBe(false);
});

test("refused by the browser, it does not say that it did", async () => {
  written.mockRejectedValue(new Error("refused"));
  await start('<p data-copy-target="text">abc</p>');
  expect(done()?.hidden).toBe(true);
});

test("it is shared where the device has somewhere to share to", async () => {
  const shared = vi.fn(async (_what: unknown) => undefined);
  const share =
    '<button type="button" data-copy-target="share" data-action="copy#share" data-title="Come" hidden></button>';
  const text = '<input value="https://a.test/join/1" data-copy-target="text">';
  await start(`${text}${share}`);
  expect(document.querySelector("[data-copy-target=share]")).toHaveProperty("hidden", true);
  vi.stubGlobal("navigator", { clipboard: { writeText: written }, share: shared });
  await start(`${text}${share}`);
  const button = document.querySelector<HTMLButtonElement>("[data-copy-target=share]");
  expect(button?.hidden).toBe(false);
  button?.click();
  expect(shared).toHaveBeenCalledWith({ title: "Come", url: "https://a.test/join/1" });
});
