import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test } from "vitest";
import ConnectionController from "./connection";

let application: Application;

beforeEach(async () => {
  document.body.innerHTML =
    '<a href="/">Home</a><div data-controller="connection" role="alert" hidden>No connection</div>';
  application = Application.start();
  application.register("connection", ConnectionController);
  await Promise.resolve();
});

afterEach(() => application.stop());

test("a press without a connection leaves the page and says so, until an answer comes", () => {
  const words = document.querySelector<HTMLElement>("[role=alert]");
  document.documentElement.setAttribute("aria-busy", "true");
  const failed = new Event("turbo:fetch-request-error", { bubbles: true, cancelable: true });
  document.querySelector("a")?.dispatchEvent(failed);
  expect(failed.defaultPrevented).toBe(true);
  expect(document.documentElement.hasAttribute("aria-busy")).toBe(false);
  expect(words?.hidden).toBe(false);
  document.dispatchEvent(new Event("turbo:before-fetch-response"));
  expect(words?.hidden).toBe(true);
});
