import { expect, test } from "vitest";
import type { RecordingState } from "../../protocol.gen";
import { patientOf, shownOf } from "./recording";

const STATE: RecordingState = { id: "r", phase: "asked", by: "Anne", asker: "a", agreed: ["a"], awaited: ["b"] };

test.each([
  [STATE, "b", "asked"],
  [STATE, "a", "waiting"],
  [{ ...STATE, phase: "paused" }, "b", "asked"],
  [{ ...STATE, phase: "paused" }, "a", "paused"],
  [{ ...STATE, phase: "recording", awaited: [] }, "b", "recording"],
] as const)("each is shown what concerns them", (state, me, shown) => {
  expect(shownOf(state as RecordingState, me)).toBe(shown);
});

test("what is said for the patient is read from the form, where it asks", () => {
  const form = document.createElement("form");
  expect(patientOf(form)).toBeUndefined();
  form.innerHTML = '<input name="by" value="representative"><input name="name" value=" Rose ">';
  expect(patientOf(form)).toEqual({ by: "representative", name: "Rose" });
});
