// What a measured connection carries, out of WebRTC statistics (W3C webrtc-stats). Pure: reports in, figures out.

export interface Figures {
  /** Milliseconds. */
  round_trip: number | null;
  jitter: number | null;
  /** 0 to 1, the worse direction's. */
  loss: number | null;
  /** bit/s */
  uplink: number | null;
}

type Row = Record<string, unknown>;
export type Report = { forEach(take: (row: Row) => void): void };

/** One look at a connection. */
export interface Look {
  at: number; // milliseconds
  roundTrip: number | null;
  /** What the browser reckons the uplink to carry; Firefox does not say. */
  reckoned: number | null;
  sentBytes: number;
  sentPackets: number;
  /** Of ours, as the other end says; null until it has. */
  lostThere: number | null;
  received: number;
  lost: number;
  jitter: number | null;
}

export function look(report: Report, at: number): Look {
  const seen: Look = {
    at,
    roundTrip: null,
    reckoned: null,
    sentBytes: 0,
    sentPackets: 0,
    lostThere: null,
    received: 0,
    lost: 0,
    jitter: null,
  };
  let chosen: unknown;
  report.forEach((row) => {
    if (row.type === "transport") chosen = row.selectedCandidatePairId;
  });
  report.forEach((row) => {
    if (row.type === "candidate-pair" && (chosen ? row.id === chosen : row.nominated === true)) {
      seen.roundTrip = inMilliseconds(row.currentRoundTripTime);
      seen.reckoned = known(row.availableOutgoingBitrate);
    } else if (row.type === "outbound-rtp") {
      seen.sentBytes += known(row.bytesSent) ?? 0;
      seen.sentPackets += known(row.packetsSent) ?? 0;
    } else if (row.type === "remote-inbound-rtp") {
      const lost = known(row.packetsLost);
      if (lost !== null) seen.lostThere = (seen.lostThere ?? 0) + Math.max(0, lost);
    } else if (row.type === "inbound-rtp") {
      seen.received += known(row.packetsReceived) ?? 0;
      seen.lost += Math.max(0, known(row.packetsLost) ?? 0);
      seen.jitter = inMilliseconds(row.jitter);
    }
  });
  return seen;
}

/** What several looks say together. The first half is for the browser to find out what the line carries. */
export function figures(looks: readonly Look[]): Figures {
  const later = looks.slice(Math.floor(looks.length / 2));
  const [first, last] = [later[0], later.at(-1)];
  if (!first || !last || first === last) return { round_trip: null, jitter: null, loss: null, uplink: null };
  const sent = last.sentPackets - first.sentPackets;
  const there = last.lostThere === null ? null : share(last.lostThere - (first.lostThere ?? 0), sent);
  const lost = last.lost - first.lost;
  const here = share(lost, lost + last.received - first.received);
  const losses = [there, here].filter((one) => one !== null);
  const seconds = (last.at - first.at) / 1000;
  const sending = seconds > 0 ? ((last.sentBytes - first.sentBytes) * 8) / seconds : null;
  return {
    round_trip: median(looks.map((one) => one.roundTrip)),
    jitter: median(later.map((one) => one.jitter)),
    loss: losses.length > 0 ? Math.max(...losses) : null,
    uplink: median(later.map((one) => one.reckoned)) ?? sending,
  };
}

function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((one) => one !== null).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null;
}

function known(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function inMilliseconds(value: unknown): number | null {
  const seconds = known(value);
  return seconds === null ? null : seconds * 1000;
}
