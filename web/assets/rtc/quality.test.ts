import { expect, test } from "vitest";
import { grade, Meter, type Reading, read, together, verdict } from "./quality";

const QUIET: Reading = {
  roundTrip: 40,
  jitter: 5,
  loss: 0,
  lossOut: 0,
  concealed: 0,
  uplink: 1_000_000,
  up: 600_000,
  down: 600_000,
  slow: false,
  frames: 20,
  freezes: 0,
  packets: 100,
};

function report(received: number, lost: number, extra: Record<string, unknown> = {}) {
  return new Map<string, Record<string, unknown>>([
    [
      "audio",
      {
        type: "inbound-rtp",
        kind: "audio",
        packetsReceived: received,
        packetsLost: lost,
        totalSamplesReceived: received * 960,
        concealedSamples: lost * 960,
        jitter: 0.03,
        timestamp: received * 20,
      },
    ],
    ["video", { type: "inbound-rtp", kind: "video", framesDecoded: received / 5, freezeCount: lost }],
    ["sent", { type: "outbound-rtp", kind: "video", qualityLimitationReason: "cpu" }],
    ["far", { type: "remote-inbound-rtp", fractionLost: 0.01 }],
    [
      "pair",
      {
        type: "candidate-pair",
        nominated: true,
        state: "succeeded",
        currentRoundTripTime: 0.12,
        availableOutgoingBitrate: 240_000,
        bytesReceived: received * 100,
        bytesSent: received * 200,
        ...extra,
      },
    ],
    ["other", { type: "candidate-pair", nominated: false, state: "waiting", currentRoundTripTime: 9 }],
  ]);
}

test("a reading is what happened since the one before", () => {
  const [, before] = read(report(1000, 100), null);
  const [reading] = read(report(1090, 110), before);
  expect(reading.loss).toBeCloseTo(0.1);
  expect(reading.concealed).toBeCloseTo((10 * 960) / (90 * 960));
  expect(reading).toMatchObject({ roundTrip: 120, uplink: 240_000, frames: 18, packets: 90, freezes: 10 });
  expect(reading).toMatchObject({ jitter: 30, lossOut: 0.01, slow: true, up: 80_000, down: 40_000 });
});

test("shares and rates are those of three seconds, counts those of one", () => {
  const meter = new Meter();
  for (const received of [0, 50, 100, 150]) meter.take(report(received, 0));
  const reading = meter.take(report(200, 15));
  expect(reading.packets).toBe(50);
  expect(reading.concealed).toBeCloseTo(15 / 150);
  expect(reading.loss).toBeCloseTo(15 / 165);
  expect(meter.take(report(250, 15)).loss).toBeCloseTo(15 / 165);
});

test("of several links the worst counts, and all that they carry", () => {
  const one = { ...QUIET, uplink: 300_000, lossOut: 0.02, roundTrip: null };
  const other = { ...QUIET, uplink: null, concealed: 0.04, slow: true };
  expect(together([one, other])).toMatchObject({
    roundTrip: 40,
    uplink: 300_000,
    lossOut: 0.02,
    concealed: 0.04,
    slow: true,
    up: 1_200_000,
    packets: 200,
  });
});

test("of several nominated pairs the one in use counts", () => {
  const rows = report(10, 0, { id: "stale", currentRoundTripTime: 2 });
  rows.set("used", { id: "used", type: "candidate-pair", nominated: true, currentRoundTripTime: 0.05 });
  rows.set("late", { id: "late", type: "candidate-pair", nominated: true, currentRoundTripTime: 3 });
  rows.set("transport", { type: "transport", selectedCandidatePairId: "used" });
  expect(read(rows, null)[0].roundTrip).toBe(50);
});

test("what the browser does not tell stays unknown", () => {
  const [reading] = read(report(10, 0, { currentRoundTripTime: undefined, availableOutgoingBitrate: undefined }), null);
  expect(reading).toMatchObject({ roundTrip: null, uplink: null });
  expect(read(new Map(), null)[0].loss).toBe(0);
});

test.each([
  [{}, "good"],
  [{ roundTrip: null }, "good"],
  [{ loss: 0.04 }, "fair"],
  [{ roundTrip: 350 }, "fair"],
  [{ loss: 0.09 }, "poor"],
  [{ concealed: 0.12 }, "poor"],
  [{ roundTrip: 700 }, "poor"],
])("%o is %s", (changed, word) => {
  expect(grade({ ...QUIET, ...changed })).toBe(word);
});

test("the badge is never better than what the ladder says of the same link", () => {
  expect(verdict("good", "480p", "fine")).toBe("good");
  expect(verdict("good", "audio", "chosen")).toBe("good");
  expect(verdict("good", "360p", "weak")).toBe("good");
  expect(verdict("good", "240p", "weak")).toBe("fair");
  expect(verdict("fair", "audio", "weak")).toBe("poor");
  expect(verdict("poor", "240p", "weak")).toBe("poor");
});
