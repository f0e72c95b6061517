import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test } from "vitest";
import SubmitOnceController from "./submit_once";

let application: Application;
let sent = 0;

const button = (): HTMLButtonElement => document.querySelector("button") ?? document.createElement("button");

beforeEach(async () => {
  document.body.innerHTML = '<form data-controller="submit-once"><button name="a" value="1">Send</button></form>';
  sent = 0;
  application = Application.start();
  application.register("submit-once", SubmitOnceController);
  await new Promise((resolve) => setTimeout(resolve));
  // After the controller's own listener: what gets here would go over the wire.
  document.querySelector("form")?.addEventListener("submit", (event) => {
    sent += 1;
    event.preventDefault();
  });
});

afterEach(() => application.stop());

test("two presses send once, and the button says that it is busy", () => {
  button().click();
  button().click();
  expect(sent).toBe(1);
  expect(button().getAttribute("aria-busy")).toBe("true");
  expect(button().disabled, "a disabled button loses the focus").toBe(false);
});

test("after the answer it can be sent again", () => {
  button().click();
  document.querySelector("form")?.dispatchEvent(new Event("turbo:submit-end"));
  expect(button().hasAttribute("aria-busy")).toBe(false);
  button().click();
  expect(sent).toBe(2);
});
