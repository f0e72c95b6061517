import { expect, test } from "vitest";
import { setHint } from "./hint";

test("words, a way on from there, and silence", () => {
  const element = document.createElement("p");
  setHint(element, "It is there.", { href: "/notes/1", words: "Open the note" });
  expect([element.textContent, element.querySelector("a")?.pathname]).toEqual([
    "It is there. Open the note",
    "/notes/1",
  ]);
  const link = element.querySelector("a");
  setHint(element, "It is there.", { href: "/notes/1", words: "Open the note" });
  expect(element.querySelector("a"), "what is said already stays, focus and all").toBe(link);
  setHint(element, "Something else");
  expect([element.innerHTML, element.hidden]).toEqual(["Something else", false]);
  setHint(element, "");
  expect([element.textContent, element.hidden]).toEqual(["", true]);
});
