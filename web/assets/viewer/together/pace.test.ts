import { beforeEach, expect, test, vi } from "vitest";
import { Pace } from "./pace";

beforeEach(() => {
  vi.useFakeTimers();
});

function paced(answer: () => Promise<unknown> = async () => undefined): { pace: Pace<number>; sent: number[] } {
  const sent: number[] = [];
  return {
    sent,
    pace: new Pace<number>((value) => {
      sent.push(value);
      return answer();
    }),
  };
}

test("what comes alone is sent at once", async () => {
  const { pace, sent } = paced();
  for (let at = 0; at < 4; at++) {
    pace.put(at);
    expect(sent).toHaveLength(at + 1);
    await vi.advanceTimersByTimeAsync(0);
  }
});

test("a stream is thinned to fifteen a second, and its last is always sent", async () => {
  const { pace, sent } = paced();
  for (let at = 0; at <= 400; at++) {
    pace.put(at);
    await vi.advanceTimersByTimeAsync(5);
  }
  await vi.advanceTimersByTimeAsync(200);
  expect(sent.length).toBeLessThanOrEqual(2 * 15 + 5);
  expect(sent.length).toBeGreaterThan(25);
  expect(sent.at(-1)).toBe(400);
  expect([...sent].sort((a, b) => a - b)).toEqual(sent);
});

test("while answers stay away no more than six are on the way, and then only the newest goes", async () => {
  const answers: (() => void)[] = [];
  const { pace, sent } = paced(() => new Promise<void>((resolve) => answers.push(resolve)));
  for (let at = 0; at < 30; at++) {
    pace.put(at);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(sent).toHaveLength(6);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.slice(6)).toEqual([29]);
});

test("a lost answer stops nothing", async () => {
  const { pace, sent } = paced(async () => {
    throw new Error("lost");
  });
  for (let at = 0; at < 20; at++) {
    pace.put(at);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(sent).toHaveLength(20);
});

test("what was cleared is not sent", async () => {
  const { pace, sent } = paced();
  for (let at = 0; at < 9; at++) pace.put(at);
  pace.clear();
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).not.toContain(8);
});
