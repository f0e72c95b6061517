// How much video to send. It begins small, so that a thin link opens with clear sound, and grows where the link allows.
import type { Reading } from "./quality";

export interface Rung {
  /** Lines of the picture; the camera's are scaled down to them. */
  height: number;
  frameRate: number;
  /** bit/s */
  maxBitrate: number;
  /** Uplink this rung needs before it is climbed to, bit/s. */
  needs: number;
}

export const RUNGS: readonly Rung[] = [
  { height: 180, frameRate: 10, maxBitrate: 70_000, needs: 0 },
  { height: 240, frameRate: 15, maxBitrate: 150_000, needs: 150_000 },
  { height: 360, frameRate: 20, maxBitrate: 350_000, needs: 280_000 },
  { height: 480, frameRate: 24, maxBitrate: 800_000, needs: 600_000 },
];
export const FIRST_RUNG = 1;

export interface Sound {
  /** bit/s */
  maxBitrate: number;
}

export const SOUND: Sound = { maxBitrate: 32_000 };

const BAD_BEFORE_DOWN = 2; // readings, two seconds apart
const GOOD_BEFORE_UP = 3;

/** Walks the rungs: down fast, up slowly. */
export class Sending {
  rung = FIRST_RUNG;
  #bad = 0;
  #good = 0;

  /** Take a reading; true when the rung changed. */
  take({ uplink, loss, roundTrip }: Reading): boolean {
    if (uplink === null) return false;
    const here = RUNGS[this.rung];
    const next = RUNGS[this.rung + 1];
    const isBad = loss >= 0.08 || (here !== undefined && uplink < here.needs * 0.8);
    const isGood = next !== undefined && uplink >= next.needs && loss < 0.03 && (roundTrip ?? 0) < 500;
    this.#bad = isBad ? this.#bad + 1 : 0;
    this.#good = isGood ? this.#good + 1 : 0;
    if (this.#bad >= BAD_BEFORE_DOWN && this.rung > 0) return this.#go(this.rung - 1);
    if (this.#good >= GOOD_BEFORE_UP) return this.#go(this.rung + 1);
    return false;
  }

  #go(rung: number): boolean {
    this.rung = rung;
    this.#bad = 0;
    this.#good = 0;
    return true;
  }
}

/** Put the rung onto a sender's parameters (W3C WebRTC §5.2). `height` is the camera's. */
export function withRung(
  parameters: RTCRtpSendParameters,
  rung: Rung,
  height: number | undefined,
): RTCRtpSendParameters {
  const scale = Math.max(1, (height ?? rung.height) / rung.height);
  for (const encoding of parameters.encodings ?? []) {
    encoding.maxBitrate = rung.maxBitrate;
    encoding.maxFramerate = rung.frameRate;
    encoding.scaleResolutionDownBy = scale;
  }
  return parameters;
}

/** Sound goes first: small, and ahead of the pictures. */
export function withSoundFirst(parameters: RTCRtpSendParameters, sound: Sound): RTCRtpSendParameters {
  for (const encoding of parameters.encodings ?? []) {
    encoding.maxBitrate = sound.maxBitrate;
    encoding.priority = "high";
    encoding.networkPriority = "high";
  }
  return parameters;
}
