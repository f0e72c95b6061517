import { beforeEach, expect, test } from "vitest";
import { remember, remembered } from "./choice";

beforeEach(() => localStorage.clear());

test("a choice is remembered, and the rest of it stays", () => {
  remember({ camera: "a", calm: false });
  expect(remember({ camera: "b" })).toEqual({ camera: "b", calm: false });
  expect(remembered()).toEqual({ camera: "b", calm: false });
});

test.each(["", "{", "null", "7"])("what is kept as %s is no choice", (kept) => {
  localStorage.setItem("call-devices", kept);
  expect(remembered()).toEqual({});
});

test("without a store nothing fails", () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new Error("full");
    },
  };
  expect(remember({ camera: "a" }, full)).toEqual({ camera: "a" });
});
