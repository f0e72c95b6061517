import { expect, test } from "vitest";
import { ChatLog } from "./chat_log";

test("words of others stay words, each line stands once", () => {
  const list = document.createElement("ol");
  const log = new ChatLog(list, "en", "America/Toronto");
  const line = { id: "1", sender: "x", name: "<i>Dr</i>", text: "<img src=x>", sent_at: "2026-01-01T00:05:00+00:00" };
  log.add(line, false);
  log.add(line, false);
  log.add({ ...line, id: "2" }, true);
  expect(list.children).toHaveLength(2);
  expect(list.querySelector("img, i")).toBeNull();
  expect(list.children[0]?.textContent).toBe("<i>Dr</i> · 19:05<img src=x>");
  expect(list.children[1]?.className).toContain("chat-line-own");
});

test("a picture shows a small one, a document is kept, whatever its name says", () => {
  const list = document.createElement("ol");
  list.dataset.files = "/consults/1/chat";
  const log = new ChatLog(list, "fr");
  const line = { sender: "x", name: "Dr", text: "<b>.pdf", sent_at: "2026-01-01T00:05:00+00:00" };
  log.add({ ...line, id: "a", text: "plaie.jpg", file: { kind: "image/jpeg", size: 2_500_000 } }, false);
  log.add({ ...line, id: "b", file: { kind: "application/pdf", size: 900 } }, true);
  const [picture, paper] = list.querySelectorAll("a");
  expect(picture?.getAttribute("href")).toBe("/consults/1/chat/a");
  expect(picture?.querySelector("img")?.getAttribute("src")).toMatch("/consults/1/chat/a/preview");
  expect(picture?.textContent).toMatch(/^plaie.jpg \(2,4\sMo\)$/);
  expect(paper?.download).toBe("<b>.pdf");
  expect(paper?.querySelector("img, b")).toBeNull();
});
