import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import CopyController from "./copy";

let application: Application;
const written = vi.fn(async (_text: string) => undefined);

const start = async (text: string) => {
  document.body.innerHTML = `<div data-controller="copy">${text}<button type="button" data-action="copy#copy">Copy</button>
    <span data-copy-target="done" hidden>Copied</span></div>`;
  await new Promise((resolve) => setTimeout(resolve));
  document.querySelector("button")?.click();
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
