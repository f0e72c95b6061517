import { describe, expect, it } from "vitest";
import { figures, type Look, look, type Report } from "./figures";

const PAIR = { type: "candidate-pair", id: "pair", currentRoundTripTime: 0.12, availableOutgoingBitrate: 640_000 };
const TRANSPORT = { type: "transport", selectedCandidatePairId: "pair" };

function report(...rows: Record<string, unknown>[]): Report {
  return rows;
}

function at(seconds: number, seen: Partial<Look> = {}): Look {
  return {
    at: seconds * 1000,
    roundTrip: 100,
    reckoned: null,
    sentBytes: seconds * 50_000,
    sentPackets: seconds * 100,
    lostThere: 0,
    received: seconds * 50,
    lost: 0,
    jitter: 10,
    ...seen,
  };
}

describe("a look", () => {
  it("takes the chosen pair, what was sent and what came", () => {
    const seen = look(
      report(
        TRANSPORT,
        { ...PAIR, id: "another", currentRoundTripTime: 3 },
        PAIR,
        { type: "outbound-rtp", bytesSent: 700, packetsSent: 5 },
        { type: "outbound-rtp", bytesSent: 300, packetsSent: 2 },
        { type: "remote-inbound-rtp", packetsLost: 1 },
        { type: "inbound-rtp", packetsReceived: 40, packetsLost: -1, jitter: 0.008 },
      ),
      1000,
    );
    expect(seen).toEqual({
      at: 1000,
      roundTrip: 120,
      reckoned: 640_000,
      sentBytes: 1000,
      sentPackets: 7,
      lostThere: 1,
      received: 40,
      lost: 0,
      jitter: 8,
    });
  });

  it("knows nothing where nothing is said", () => {
    const seen = look(report({ type: "candidate-pair", nominated: true }), 0);
    expect([seen.roundTrip, seen.reckoned, seen.lostThere, seen.jitter]).toEqual([null, null, null, null]);
  });
});

describe("the figures of several looks", () => {
  it("are those of the second half, when the browser knows its uplink", () => {
    const reckoned = [100_000, 300_000, 500_000, 510_000, 505_000];
    const looks = reckoned.map((one, second) => at(second, { reckoned: one }));
    expect(figures(looks)).toEqual({ round_trip: 100, jitter: 10, loss: 0, uplink: 505_000 });
  });

  it("take what was sent where the browser does not reckon", () => {
    expect(figures([0, 1, 2, 3].map((second) => at(second))).uplink).toBe(400_000);
  });

  it("tell the loss of the worse direction", () => {
    const there = [0, 1, 2, 3].map((second) => at(second, { lostThere: second * 10 }));
    expect(figures(there).loss).toBeCloseTo(0.1);
    const here = [0, 1, 2, 3].map((second) => at(second, { lost: second * 50 }));
    expect(figures(here).loss).toBeCloseTo(0.5);
  });

  it("are none where nothing connected", () => {
    expect(figures([])).toEqual({ round_trip: null, jitter: null, loss: null, uplink: null });
    expect(figures([at(1)]).uplink).toBeNull();
  });
});
