import { expect, test } from "vitest";
import { Numbers } from "./numbers";

test("a comma where the language writes one, and a true minus", () => {
  expect(new Numbers("fr").fixed(-36.94, 1)).toBe("−36,9");
  expect(new Numbers("en").fixed(-36.94, 1)).toBe("−36.9");
  expect(new Numbers("en").fixed(-0.01, 1)).toBe("0.0");
});

test("values are rounded to what means something", () => {
  expect(new Numbers("vi").rounded(1024, 4)).toBe("1024");
  expect(new Numbers("fr").rounded(0.123456, 4)).toBe("0,1235");
});
