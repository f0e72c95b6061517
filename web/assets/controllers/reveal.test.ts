import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test } from "vitest";
import RevealController from "./reveal";

let application: Application;

const input = (): HTMLInputElement => document.querySelector("input") ?? document.createElement("input");
const button = (): HTMLButtonElement => document.querySelector("button") ?? document.createElement("button");

beforeEach(async () => {
  document.body.innerHTML = `<div data-controller="reveal"><input type="password" data-reveal-target="input">
    <div data-reveal-target="choice" hidden><button type="button" aria-pressed="false" data-reveal-target="button"
      data-action="reveal#toggle">Show</button></div></div>`;
  application = Application.start();
  application.register("reveal", RevealController);
  await new Promise((resolve) => setTimeout(resolve));
});

afterEach(() => application.stop());

test("the choice appears with the script, and what is typed stays hidden until it is asked for", () => {
  expect(button().closest("div")?.hidden).toBe(false);
  expect(input().type).toBe("password");
});

test("pressed once it shows, pressed twice it hides again", () => {
  button().click();
  expect([input().type, button().getAttribute("aria-pressed")]).toEqual(["text", "true"]);
  button().click();
  expect([input().type, button().getAttribute("aria-pressed")]).toEqual(["password", "false"]);
});
