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
