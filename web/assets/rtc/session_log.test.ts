import { beforeEach, expect, test } from "vitest";
import type { Logged } from "../protocol.gen";
import { SessionLog } from "./session_log";

let taken: number[];
let log: SessionLog;
const event = (number: number, kind = "chat"): Logged => ({ number, kind, body: {} });
const told = (last: number, ...events: Logged[]) => ({ last, events, whole: false });

beforeEach(() => {
  taken = [];
  log = new SessionLog(({ number }) => taken.push(number));
});

test("what comes before the answer to join waits for it, and is taken once", () => {
  expect(log.hear(event(4))).toBe(false);
  expect(log.hear(event(5))).toBe(false);
  expect(log.last).toBeUndefined();
  log.catchUp(told(4, event(3), event(4)));
  expect(taken).toEqual([3, 4, 5]);
  expect(log.last).toBe(5);
});

test("an event told twice is taken once", () => {
  log.catchUp(told(0));
  expect(log.hear(event(1))).toBe(false);
  expect(log.hear(event(1))).toBe(false);
  expect(taken).toEqual([1]);
});

test("where one is missing, what came later waits until it is known", () => {
  log.catchUp(told(2));
  expect(log.hear(event(5))).toBe(true);
  expect(log.hear(event(4))).toBe(true);
  expect(taken).toEqual([]);
  log.catchUp(told(5, event(3), event(4), event(5)));
  expect(taken).toEqual([3, 4, 5]);
});

test("numbers that are another's are no gap for ever", () => {
  log.catchUp(told(0));
  expect(log.hear(event(9))).toBe(true);
  log.catchUp(told(8));
  expect(taken).toEqual([9]);
  expect(log.hear(event(10))).toBe(false);
});

test("who listens later hears what was taken of their kind", () => {
  log.catchUp(told(3, event(1, "recording"), event(2), event(3, "file")));
  expect(log.of("recording").map(({ number }) => number)).toEqual([1]);
  expect(log.of("chat")).toEqual([]);
});
