import { beforeEach, expect, test } from "vitest";
import type { Net } from "../protocol.gen";
import { Ladder } from "./ladder";
import type { Reading } from "./quality";
import { Reports } from "./reports";

const READING: Reading = {
  roundTrip: 40,
  jitter: 5,
  loss: 0.01,
  lossOut: 0,
  concealed: 0.02,
  uplink: 300_000,
  up: 120_000,
  down: 90_000,
  slow: false,
  frames: 20,
  freezes: 0,
  packets: 50,
};
let sent: Net[];
let isTaken: boolean;
let reports: Reports;
let ladder: Ladder;

async function seconds(count: number, changed: Partial<Reading> | null = {}): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    await reports.take(changed ? [{ ...READING, ...changed }] : [], ladder);
  }
}

beforeEach(() => {
  [sent, isTaken, ladder] = [[], true, new Ladder()];
  reports = new Reports(async (net) => {
    sent.push(net);
    return isTaken ? {} : null;
  });
});

test("every five seconds, in numbers the wire knows", async () => {
  await seconds(11);
  expect(sent).toHaveLength(2);
  expect(sent[0]).toEqual({
    rung: "240p",
    why: "opening",
    loss: 0.01,
    concealed: 0.02,
    up: 120_000,
    down: 90_000,
    silent: 0,
    freezes: 0,
    round_trip: 40,
    jitter: 5,
    uplink: 300_000,
  });
  await seconds(5, { roundTrip: 1e6, uplink: null, jitter: null });
  expect(sent[2]).toMatchObject({ round_trip: 60_000 });
  expect(sent[2]).not.toHaveProperty("uplink");
});

test("at once when the rung changes", async () => {
  await seconds(5);
  ladder.choose("stills");
  await seconds(1);
  expect(sent.map(({ rung, why }) => [rung, why])).toEqual([
    ["240p", "opening"],
    ["stills", "chosen"],
  ]);
});

test("silence and standstills are counted until they were taken", async () => {
  isTaken = false;
  await seconds(4, { freezes: 1 });
  await seconds(3, { packets: 0 });
  isTaken = true;
  await seconds(8);
  expect(sent.map(({ silent, freezes }) => [silent, freezes])).toEqual([
    [1, 4],
    [3, 4],
    [0, 0],
  ]);
});

test("no link is silence, too, once there was sound; before, nothing is told", async () => {
  await seconds(20, null);
  expect(sent).toHaveLength(0);
  await seconds(5);
  await seconds(30, null);
  await seconds(1);
  expect(sent.at(-1)?.silent).toBe(30);
});
