import { expect, test } from "vitest";
import { FIRST_RUNG, RUNGS, Sending, SOUND, withRung, withSoundFirst } from "./sending";

const GOOD = { roundTrip: 50, loss: 0, concealed: 0, uplink: 2_000_000, frames: 20, packets: 100 };

function after(sending: Sending, readings: number, changed: Partial<typeof GOOD> = {}): number {
  for (let n = 0; n < readings; n += 1) sending.take({ ...GOOD, ...changed });
  return sending.rung;
}

test("it opens small enough for 300 kbit/s, sound included", () => {
  expect((RUNGS[FIRST_RUNG]?.maxBitrate ?? Infinity) + 32_000).toBeLessThan(300_000 * 0.75);
});

test("it climbs slowly while the link allows", () => {
  const sending = new Sending();
  expect(after(sending, 2)).toBe(FIRST_RUNG);
  expect(after(sending, 1)).toBe(FIRST_RUNG + 1);
  expect(after(sending, 20)).toBe(RUNGS.length - 1);
});

test("it stays where the link is thin", () => {
  expect(after(new Sending(), 20, { uplink: 200_000 })).toBe(FIRST_RUNG);
  expect(after(new Sending(), 20, { roundTrip: 800 })).toBe(FIRST_RUNG);
});

test("it goes down fast, and no further than the ground", () => {
  const sending = new Sending();
  after(sending, 20);
  expect(after(sending, 2, { loss: 0.1 })).toBe(RUNGS.length - 2);
  expect(after(sending, 20, { uplink: 40_000 })).toBe(0);
});

test("one bad reading is no reason", () => {
  const sending = new Sending();
  after(sending, 20);
  after(sending, 1, { loss: 0.2 });
  expect(after(sending, 1)).toBe(RUNGS.length - 1);
});

test("without an estimate nothing moves", () => {
  const sending = new Sending();
  for (let n = 0; n < 9; n += 1) expect(sending.take({ ...GOOD, uplink: null })).toBe(false);
});

test("a rung becomes parameters of a sender", () => {
  const rung = RUNGS[FIRST_RUNG];
  if (!rung) throw new Error("no rung");
  const parameters = () => ({ encodings: [{}] }) as RTCRtpSendParameters;
  expect(withRung(parameters(), rung, 480).encodings[0]).toEqual({
    maxBitrate: 150_000,
    maxFramerate: 15,
    scaleResolutionDownBy: 2,
  });
  expect(withRung(parameters(), rung, 120).encodings[0]?.scaleResolutionDownBy).toBe(1);
  expect(withSoundFirst(parameters(), SOUND).encodings[0]).toMatchObject({ priority: "high", networkPriority: "high" });
});
