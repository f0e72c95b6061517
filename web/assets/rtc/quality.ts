// How good the link is, read from WebRTC statistics (W3C webrtc-stats) every two seconds. Pure: reports in, words out.

export type Grade = "good" | "fair" | "poor";

/** Sums since the connection began; two of them make a Reading. */
export interface Counters {
  received: number; // audio packets
  lost: number;
  samples: number; // audio samples
  concealed: number;
  frames: number;
  at: number; // milliseconds
}

export interface Reading {
  /** Round trip of the chosen path, in milliseconds; null while unknown. */
  roundTrip: number | null;
  /** The larger of the two directions' losses, 0 to 1. */
  loss: number;
  /** Share of the sound that had to be invented, 0 to 1. */
  concealed: number;
  /** What the uplink could carry, in bit/s; null while unknown. */
  uplink: number | null;
  /** Pictures decoded since the last reading. */
  frames: number;
  /** Sound packets received since the last reading. */
  packets: number;
}

type Row = Record<string, unknown>;
type Report = { forEach(take: (row: Row) => void): void };

/** Read one report. Without counters from before, shares count from the beginning. */
export function read(report: Report, before: Counters | null): [Reading, Counters] {
  const now: Counters = { received: 0, lost: 0, samples: 0, concealed: 0, frames: 0, at: 0 };
  let roundTrip: number | null = null;
  let uplink: number | null = null;
  let farLoss = 0;
  let chosen: unknown;
  report.forEach((row) => {
    if (row.type === "transport") chosen = row.selectedCandidatePairId;
  });
  report.forEach((row) => {
    if (row.type === "inbound-rtp" && row.kind === "audio") {
      now.received += number(row.packetsReceived);
      now.lost += number(row.packetsLost);
      now.samples += number(row.totalSamplesReceived);
      now.concealed += Math.max(0, number(row.concealedSamples) - number(row.silentConcealedSamples));
    } else if (row.type === "inbound-rtp" && row.kind === "video") {
      now.frames += number(row.framesDecoded);
    } else if (row.type === "remote-inbound-rtp") {
      farLoss = Math.max(farLoss, number(row.fractionLost));
    } else if (row.type === "candidate-pair" && (chosen ? row.id === chosen : row.nominated === true)) {
      if (typeof row.currentRoundTripTime === "number") roundTrip = row.currentRoundTripTime * 1000;
      if (typeof row.availableOutgoingBitrate === "number") uplink = row.availableOutgoingBitrate;
    }
    now.at = Math.max(now.at, number(row.timestamp));
  });
  const since = (key: keyof Counters): number => Math.max(0, now[key] - (before?.[key] ?? 0));
  const nearLoss = share(since("lost"), since("lost") + since("received"));
  const reading: Reading = {
    roundTrip,
    loss: Math.max(nearLoss, farLoss),
    concealed: share(since("concealed"), since("samples")),
    uplink,
    frames: since("frames"),
    packets: since("received"),
  };
  return [reading, now];
}

/** One word for a reading. */
export function grade({ roundTrip, loss, concealed }: Reading): Grade {
  if (loss >= 0.08 || concealed >= 0.1 || (roundTrip ?? 0) >= 600) return "poor";
  if (loss >= 0.03 || concealed >= 0.04 || (roundTrip ?? 0) >= 300) return "fair";
  return "good";
}

/** The one to show where there are several links. */
export function worst(grades: readonly Grade[]): Grade {
  return (["poor", "fair"] as const).find((one) => grades.includes(one)) ?? "good";
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
