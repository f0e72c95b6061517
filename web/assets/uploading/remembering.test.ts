import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Remembered } from "./remembering";

beforeEach(() => localStorage.clear());
afterEach(() => vi.useRealTimers());

test("what was begun is found again for this consult, and no other", () => {
  new Remembered("/a").begin("print", "/a/1");
  expect(new Remembered("/a").find("print")).toBe("/a/1");
  expect(new Remembered("/a").hasUnfinished).toBe(true);
  expect(new Remembered("/b").find("print")).toBeNull();
});

test("what arrived is recognised, and asks for nothing", () => {
  const remembered = new Remembered("/a");
  remembered.begin("print", "/a/1");
  remembered.finish("print");
  expect([remembered.find("print"), remembered.hasUnfinished]).toEqual(["/a/1", false]);
});

test("it is forgotten when given up, and after a day", () => {
  const remembered = new Remembered("/a");
  remembered.begin("given up", "/a/1");
  remembered.forget("given up");
  expect(localStorage).toHaveLength(0);
  vi.useFakeTimers();
  remembered.begin("old", "/a/2");
  vi.advanceTimersByTime(25 * 3600 * 1000);
  expect(remembered.find("old")).toBeNull();
});

test("without a print, or storage that can be read, files begin anew", () => {
  const remembered = new Remembered("/a");
  remembered.begin("", "/a/1");
  expect(remembered.find("")).toBeNull();
  localStorage.setItem("uploads:/a", "{");
  expect(remembered.find("print")).toBeNull();
});
