// How good a link is, read from WebRTC statistics (W3C webrtc-stats) every second. Pure: reports in, numbers and words out.
import { PACE, type RungName, type Why } from "../protocol.gen";

export type Grade = "good" | "fair" | "poor";

/** Sums since the connection began; two of them make a Reading. */
export interface Counters {
  received: number; // audio packets
  lost: number;
  samples: number; // audio samples
  concealed: number;
  frames: number;
  freezes: number;
  bytesIn: number;
  bytesOut: number;
  at: number; // milliseconds
}

export interface Reading {
  /** Round trip of the chosen path, in milliseconds; null while unknown. */
  roundTrip: number | null;
  /** How unevenly sound arrives, in milliseconds; null while unknown. */
  jitter: number | null;
  /** The larger of the two directions' losses, 0 to 1. */
  loss: number;
  /** What of ours the other side did not get, 0 to 1. */
  lossOut: number;
  /** Share of the sound that had to be invented, 0 to 1. */
  concealed: number;
  /** What the uplink could carry, in bit/s; null while unknown. */
  uplink: number | null;
  /** bit/s sent, and received. */
  up: number;
  down: number;
  /** The device is too slow for the pictures it is to send. */
  slow: boolean;
  /** Pictures decoded since the last reading. */
  frames: number;
  /** Times they stood still since then. */
  freezes: number;
  /** Sound packets received since then. */
  packets: number;
}

type Row = Record<string, unknown>;
type Report = { forEach(take: (row: Row) => void): void };

/** Reads one connection's reports, one a second: shares and rates are those of the last few. */
export class Meter {
  readonly #before: Counters[] = [];

  take(report: Report): Reading {
    const [reading, counters] = read(report, this.#before[0] ?? null, this.#before.at(-1) ?? null);
    this.#before.push(counters);
    if (this.#before.length > PACE.window) this.#before.shift();
    return reading;
  }
}

/** Read one report: shares and rates since `before`, counts since `last`. Without them, since the beginning. */
export function read(
  report: Report,
  before: Counters | null,
  last: Counters | null = before,
): [reading: Reading, counters: Counters] {
  const now: Counters = {
    received: 0,
    lost: 0,
    samples: 0,
    concealed: 0,
    frames: 0,
    freezes: 0,
    bytesIn: 0,
    bytesOut: 0,
    at: 0,
  };
  let roundTrip: number | null = null;
  let jitter: number | null = null;
  let uplink: number | null = null;
  let lossOut = 0;
  let slow = false;
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
      if (typeof row.jitter === "number") jitter = Math.max(jitter ?? 0, row.jitter * 1000);
    } else if (row.type === "inbound-rtp" && row.kind === "video") {
      now.frames += number(row.framesDecoded);
      now.freezes += number(row.freezeCount);
    } else if (row.type === "outbound-rtp" && row.kind === "video") {
      slow ||= row.qualityLimitationReason === "cpu";
    } else if (row.type === "remote-inbound-rtp") {
      lossOut = Math.max(lossOut, number(row.fractionLost));
    } else if (row.type === "candidate-pair" && (chosen ? row.id === chosen : row.nominated === true)) {
      if (typeof row.currentRoundTripTime === "number") roundTrip = row.currentRoundTripTime * 1000;
      if (typeof row.availableOutgoingBitrate === "number") uplink = row.availableOutgoingBitrate;
      now.bytesIn = number(row.bytesReceived);
      now.bytesOut = number(row.bytesSent);
    }
    now.at = Math.max(now.at, number(row.timestamp));
  });
  const since = (key: keyof Counters, then: Counters | null): number => Math.max(0, now[key] - (then?.[key] ?? 0));
  const rate = (key: "bytesIn" | "bytesOut") => (before ? share(since(key, before) * 8000, since("at", before)) : 0);
  const lossIn = share(since("lost", before), since("lost", before) + since("received", before));
  const reading: Reading = {
    roundTrip,
    jitter,
    loss: Math.max(lossIn, lossOut),
    lossOut,
    concealed: share(since("concealed", before), since("samples", before)),
    uplink,
    up: rate("bytesOut"),
    down: rate("bytesIn"),
    slow,
    frames: since("frames", last),
    freezes: since("freezes", last),
    packets: since("received", last),
  };
  return [reading, now];
}

/** What holds for all links together: of each share the worst, of what they carry the sum, of uplinks the narrowest. */
export function together(readings: readonly Reading[]): Reading {
  const most = (of: (reading: Reading) => number | null) => {
    const known = readings.map(of).filter((value) => value !== null);
    return known.length > 0 ? Math.max(...known) : null;
  };
  const sum = (of: (reading: Reading) => number) => readings.reduce((all, reading) => all + of(reading), 0);
  const narrowest = most(({ uplink }) => (uplink === null ? null : -uplink));
  return {
    roundTrip: most(({ roundTrip }) => roundTrip),
    jitter: most(({ jitter }) => jitter),
    loss: most(({ loss }) => loss) ?? 0,
    lossOut: most(({ lossOut }) => lossOut) ?? 0,
    concealed: most(({ concealed }) => concealed) ?? 0,
    uplink: narrowest === null ? null : -narrowest,
    up: sum(({ up }) => up),
    down: sum(({ down }) => down),
    slow: readings.some(({ slow }) => slow),
    frames: sum(({ frames }) => frames),
    freezes: sum(({ freezes }) => freezes),
    packets: sum(({ packets }) => packets),
  };
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

/** The word to show: no better than what the ladder says of the same link. */
export function verdict(measured: Grade, rung: RungName, why: Why): Grade {
  if (why !== "weak") return measured;
  return worst([measured, rung === "stills" || rung === "audio" ? "poor" : rung === "240p" ? "fair" : "good"]);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
