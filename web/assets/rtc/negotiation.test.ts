import { expect, test } from "vitest";
import { NEGOTIATION, type NegotiationRole } from "../protocol.gen";
import { step, UnknownStep } from "./negotiation";

test("every row of the table is walked as it stands", () => {
  for (const [role, rows] of Object.entries(NEGOTIATION)) {
    for (const [key, after] of Object.entries(rows)) {
      const [event, state] = key.split("/") as Parameters<typeof step> extends [unknown, infer E, infer S]
        ? [E, S]
        : never;
      expect(step(role as NegotiationRole, event, state)).toEqual(after);
    }
  }
});

test("crossing offers: the polite side answers, the impolite one stands by its own", () => {
  expect(step("polite", "offer", "offering")).toEqual(["idle", "send-answer"]);
  expect(step("impolite", "offer", "offering")).toEqual(["ignoring", "nothing"]);
});

test("a lost offer goes out again", () => {
  expect(step("impolite", "resumed", "ignoring")).toEqual(["offering", "send-offer-again"]);
});

test("an unknown pair throws, naming both", () => {
  expect(() => step("polite", "answer", "expecting")).toThrow(UnknownStep);
  expect(() => step("polite", "answer", "expecting")).toThrow(/answer.*expecting/);
});
