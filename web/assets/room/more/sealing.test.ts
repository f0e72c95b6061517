import { expect, test } from "vitest";
import type { Standing } from "../../rtc/sealing/ring";
import { stateOf } from "./sealing";

const standing = (changes: Partial<Standing> = {}): Standing => ({
  hasOthers: true,
  policy: "sealed",
  words: null,
  alarm: false,
  ...changes,
});

test.each([
  [null, true, "unknown"],
  [standing({ hasOthers: false }), true, "unknown"],
  [standing(), true, "direct"],
  [standing({ policy: "open" }), true, "direct"],
  [standing(), false, "sealed"],
  [standing({ policy: "open" }), false, "open"],
  [standing({ alarm: true }), true, "alarm"],
  [standing({ alarm: true, policy: "open" }), false, "alarm"],
] as const)("%o, directly: %s → %s", (now, isDirect, state) => {
  expect(stateOf(now, isDirect)).toBe(state);
});
