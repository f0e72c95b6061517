// What to send over a link as it is: down the ladder fast, up it slowly, and never at the cost of the sound. Pure: a
// reading a second in, a plan out. The rungs and the pace stand in signaling/ladder.py.
import { OPENING, PACE, type Picture, RUNGS, type Rung, type RungName, type Sound, type Why } from "../protocol.gen";
import type { Reading } from "./quality";

/** What to send now. No `picture`: moving pictures rest, their track stays. */
export interface Plan {
  picture: Picture | null;
  sound: Sound;
}

/** What the person wants: `video` keeps pictures moving on any link; the rest is the best they allow. */
export type Mode = "automatic" | "video" | "stills" | "audio";

/** Headers of one packet of sound, in bytes: IP, UDP, RTP with its extensions, SRTP. */
const HEADERS = 58;
/** What of the uplink we dare to fill: it is reckoned, and other things travel too. */
const FILLED = 0.85;
/** While more than this of ours is lost, what we hear may suffer from what we send, and counts. */
const LOSING = 0.02;
/** Limits are for staying; to climb, a link has to be this much better. */
const EASILY = 0.6;
/** A rung left sooner after it was climbed to did not hold: seconds. */
const HELD = 60;
/** Changes of the pictures' bitrate smaller than this are not worth the trouble. */
const WORTH = 0.15;
const RANGES: Record<Mode, readonly [best: RungName, last: RungName]> = {
  automatic: ["hd", "audio"],
  video: ["hd", "240p"],
  stills: ["stills", "audio"],
  audio: ["audio", "audio"],
};

export class Ladder {
  mode: Mode = "automatic";
  #here: number;
  /** Where it stood before the person asked for less. */
  #before: number | null = null;
  #top = place("480p");
  #plan: Plan;
  #uplink: number | null = null;
  #settling = PACE.window; // looks left until the window holds nothing older than the last step
  #bad = 0;
  #good = 0;
  #dwell = 0;
  #trying = 0; // looks left of a try
  #climbed = Number.POSITIVE_INFINITY; // looks since the last try was kept
  #hasFallen = false;
  #slow = false;

  /** `opening` is the rung of the link check. */
  constructor(opening: RungName = OPENING) {
    this.#here = Math.max(place(opening), this.#top);
    this.#plan = this.#planned();
  }

  get rung(): Rung {
    return RUNGS[this.#here] as Rung;
  }

  get plan(): Plan {
    return this.#plan;
  }

  get why(): Why {
    if (this.#here <= this.#best) return this.#best > this.#top ? "chosen" : "fine";
    if (this.#slow) return "device";
    return this.#hasFallen ? "weak" : "opening";
  }

  /** The camera gives so many lines: no rung asks for more. True when the plan changed. */
  camera(lines: number): boolean {
    const fitting = RUNGS.findIndex(({ picture }) => picture && picture.height <= lines);
    this.#top = fitting >= 0 ? fitting : place("240p");
    if (this.#here >= this.#top) return false;
    return this.#stand(this.#top);
  }

  /** The person wants this from now on. True when the plan changed. */
  choose(mode: Mode): boolean {
    if (mode === this.mode) return false;
    if (this.mode === "automatic" || this.mode === "video") this.#before = this.#here;
    this.mode = mode;
    const last = place(RANGES[mode][1]);
    const free = this.#before ?? this.#here;
    return this.#stand(Math.min(Math.max(free, this.#best), last));
  }

  /** Take a reading, one a second; true when the plan changed. */
  take(reading: Reading): boolean {
    this.#uplink = reading.uplink;
    this.#slow = reading.slow;
    this.#climbed += 1;
    if (this.#settling > 0) {
      this.#settling -= 1;
      return this.#refit();
    }
    // An uplink that is not used is not reckoned well: a try has until its end to show that it carries moving pictures,
    // and without them loss and delay alone say what suffers.
    const isUsed = this.rung.picture && this.#trying <= 1;
    const judged = isUsed ? reading : { ...reading, uplink: null };
    if (isBad(judged, this.rung)) return this.#worse(reading);
    this.#bad = 0;
    if (this.#trying > 0) {
      this.#trying -= 1;
      if (this.#trying === 0) this.#climbed = 0;
      return this.#refit();
    }
    this.#good = this.#mayClimb(reading) ? this.#good + 1 : 0;
    if (this.#good < PACE.good + this.#wait(reading)) return this.#refit();
    this.#stand(this.#here - 1);
    this.#settling = 0; // a try that goes wrong ends at once
    this.#trying = PACE.probe;
    return true;
  }

  get #best(): number {
    return Math.max(this.#top, place(RANGES[this.mode][0]));
  }

  #worse(reading: Reading): boolean {
    this.#good = 0;
    this.#bad += 1;
    const isTry = this.#trying > 0;
    if (!isTry && this.#bad < PACE.bad) return this.#refit();
    const last = place(RANGES[this.mode][1]);
    const less = ifLessWereSent(reading, this.rung);
    const held = RUNGS.findIndex((rung, at) => at > this.#here && !isBad(less, rung));
    const next = Math.min(isTry || held < 0 ? this.#here + 1 : held, last);
    this.#hasFallen = true;
    if (next === this.#here) return this.#refit();
    const didNotHold = isTry || this.#climbed < HELD;
    this.#dwell = didNotHold ? Math.min(Math.max(PACE.dwell, this.#dwell * 2), PACE.longest) : PACE.dwell;
    this.#climbed = Number.POSITIVE_INFINITY;
    return this.#stand(next);
  }

  /** Whether the next rung is worth a try: nothing suffers, and the uplink is not all used. */
  #mayClimb(reading: Reading): boolean {
    const next = RUNGS[this.#here - 1];
    if (!next || this.#here <= this.#best || reading.slow) return false;
    const { picture, sound } = this.rung;
    const used = picture ? picture.bitrate + sounding(sound) : 0;
    return (reading.uplink ?? used) >= used && isEasy(reading, next);
  }

  /** Seconds beyond the good ones. None where the uplink is known to carry the next rung, and none did fail before. */
  #wait({ uplink }: Reading): number {
    const isShown = (uplink ?? 0) >= (RUNGS[this.#here - 1]?.enter ?? 0);
    return isShown && this.#dwell <= PACE.dwell ? 0 : this.#dwell;
  }

  #stand(at: number): boolean {
    this.#here = at;
    this.#bad = 0;
    this.#good = 0;
    this.#trying = 0;
    this.#settling = PACE.window;
    this.#plan = this.#planned();
    return true;
  }

  /** Pictures take what the sound leaves. */
  #planned(): Plan {
    const { picture, sound } = this.rung;
    if (!picture) return { picture: null, sound };
    const left = this.#uplink === null ? picture.bitrate : FILLED * this.#uplink - sounding(sound);
    const bitrate = Math.round(Math.min(picture.bitrate, Math.max(picture.least, left)));
    return { picture: { ...picture, bitrate }, sound };
  }

  #refit(): boolean {
    const next = this.#planned();
    const [was, is] = [this.#plan.picture?.bitrate ?? 0, next.picture?.bitrate ?? 0];
    if (Math.abs(is - was) <= was * WORTH) return false;
    this.#plan = next;
    return true;
  }
}

/** bit/s of the sound with its headers. */
export function sounding({ bitrate, packet }: Sound): number {
  return bitrate + (HEADERS * 8 * 1000) / packet;
}

function isBad({ uplink, lossOut, concealed, roundTrip }: Reading, rung: Rung): boolean {
  return (
    (uplink ?? Number.POSITIVE_INFINITY) < rung.leave ||
    lossOut > rung.loss ||
    (lossOut > LOSING && concealed > rung.concealed) ||
    (roundTrip ?? 0) > rung.round_trip
  );
}

/**
 * Where the line carries less than this rung needs, loss and delay are those of the queue before it, and end with it:
 * what got through tells which rung holds. What is lost on a line that has room is lost on any rung.
 */
function ifLessWereSent(reading: Reading, rung: Rung): Reading {
  if (reading.uplink === null || reading.uplink >= rung.leave) return reading;
  const carried = Math.max(reading.uplink, reading.up * (1 - reading.lossOut));
  return { ...reading, uplink: carried, lossOut: 0, concealed: 0, roundTrip: null };
}

function isEasy({ lossOut, concealed, roundTrip }: Reading, rung: Rung): boolean {
  return (
    lossOut <= rung.loss * EASILY &&
    (lossOut <= LOSING || concealed <= rung.concealed * EASILY) &&
    (roundTrip ?? 0) <= rung.round_trip
  );
}

function place(name: RungName): number {
  return RUNGS.findIndex((rung) => rung.name === name);
}
