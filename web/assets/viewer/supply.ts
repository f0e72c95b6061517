// Brings what the eye needs, one request at a time: a readable picture of the slice looked at, an idea of the series, the
// slice without loss where the eye rests, then what lies around it. A move of the eye puts all in another order.
import type { Frames, Sharpening } from "./frames";
import { type Line, NotShown } from "./line";
import { PACK, type Previews } from "./previews";
import { ahead, clipAt, following, NOWHERE, nearest, type Series, type Slice, spread } from "./stack";
import type { Frame } from "./windowing";

/** Who looks. What is told may be of any slice. */
export interface Eye {
  /** Which sizes are sharper than what is on the screen. */
  isWorth(pixels: number): boolean;
  /** A picture has come, or it is known that there is none. */
  pictured(slice: Slice): void;
  sharpened(slice: Slice, frame: Frame, isWhole: boolean): void;
  refused(slice: Slice): void;
  /** What was being fetched did not come; it is tried again. */
  failed(): void;
}

interface Place {
  series: Series;
  index: number;
  direction: 1 | -1;
  isPlaying: boolean;
}

export interface Sources {
  line: Line;
  previews: Previews;
  frames: Frames;
}

interface Errand {
  /** Places in the series. */
  brings: readonly number[];
  isPack: boolean;
  run(signal: AbortSignal): Promise<void>;
}

const OVERVIEW = 50;
const ONWARD = 12;
/** After a jump nobody knows where it goes on. */
const ONWARD_AFTER_JUMP = 3;
const JUMP = 4;
const AROUND = 24;
const BACKGROUND_PACK = 24;
/** Slices of the series of which pictures are fetched at all, the nearest first. */
const WIDEST = 800;
const WIDEST_THIN = 200;
const WHOLE_AHEAD = 6;
const WHOLE_AHEAD_THIN = 1;
/** An eye that has not moved for so long rests. */
const RESTING_MS = 200;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

export class Supply {
  #place: Place = { series: NOWHERE, index: 0, direction: 1, isPlaying: false };
  #hasMoved = false;
  #hasJumped = false;
  #restsAt = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #errand: Errand | null = null;
  #run = new AbortController();
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sources: Sources,
    private readonly eye: Eye,
  ) {}

  /** The eye is here now. */
  look(place: Place): void {
    const before = this.#place;
    this.#place = place;
    if (place.series !== before.series) this.#hasMoved = false;
    else if (place.index !== before.index && !place.isPlaying) {
      this.#hasMoved = true;
      this.#hasJumped = Math.abs(place.index - before.index) >= JUMP;
      this.#restsAt = performance.now() + RESTING_MS;
      clearTimeout(this.#rest);
      this.#rest = setTimeout(() => this.#rested(), RESTING_MS);
    }
    if (!this.#errand || place.series !== before.series || !this.#serves(this.#errand)) this.again();
  }

  /** Begin anew with what is most needed now: also after the line was lost. */
  again(): void {
    this.#run.abort();
    clearTimeout(this.#retry);
    this.#run = new AbortController();
    void this.#go(this.#run.signal);
  }

  /** Bring nothing until the eye is somewhere again. */
  stop(): void {
    this.#run.abort();
    this.#errand = null;
    clearTimeout(this.#rest);
    clearTimeout(this.#retry);
  }

  async #go(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        this.#errand = this.#next();
        if (!this.#errand) return;
        await this.#errand.run(signal);
        if (signal.aborted) return;
        this.#failures = 0;
      }
    } catch {
      if (signal.aborted) return;
      this.#errand = null;
      this.eye.failed();
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures++, LONGEST_WAIT_MS);
      this.#retry = setTimeout(() => this.again(), wait);
    }
  }

  /** Whether what is being fetched is still what is needed most, or near enough not to be broken off. */
  #serves({ brings, isPack }: Errand): boolean {
    const { index, isPlaying } = this.#place;
    if (brings.includes(index)) return true;
    return (isPack || isPlaying) && !this.#lacksPicture(index);
  }

  /** The eye rests: what is only for later gives way to the whole of what it rests on. */
  #rested(): void {
    const { index } = this.#place;
    if (!this.#errand || (!this.#errand.brings.includes(index) && this.#lacksWhole(index))) this.again();
  }

  #next(): Errand | null {
    const { series, index, direction, isPlaying } = this.#place;
    const count = series.slices.length;
    if (isPlaying) return this.#pack(following(index, clipAt(series, index)), BACKGROUND_PACK) ?? this.#wholeAhead();
    const overview = this.#hasMoved ? [] : spread(count, OVERVIEW);
    const onward = ahead(index, count, this.#hasJumped ? ONWARD_AFTER_JUMP : ONWARD, direction);
    if (this.#lacksPicture(index)) return this.#pack([index, ...(this.#hasMoved ? onward : overview)], PACK);
    if (performance.now() < this.#restsAt) return this.#pack(onward, ONWARD);
    const first = this.#pack(overview, OVERVIEW);
    if (first) return first;
    if (this.#lacksWhole(index)) return this.#whole(index, true);
    const around = nearest(index, count, AROUND, direction);
    const wider = [...around, ...spread(count, OVERVIEW), ...nearest(index, count, this.#widest(), direction)];
    return this.#pack(wider, BACKGROUND_PACK) ?? this.#wholeAhead();
  }

  /** Pictures of those that lack one, no more than `most`. */
  #pack(places: readonly number[], most: number): Errand | null {
    const { series } = this.#place;
    const brings = [...new Set(places)].filter((place) => this.#lacksPicture(place)).slice(0, most);
    if (brings.length === 0) return null;
    const run = (signal: AbortSignal) =>
      this.sources.previews.fetch(series, brings, ({ slice }) => this.eye.pictured(slice), signal);
    return { brings, isPack: true, run };
  }

  #whole(place: number, isLookedAt: boolean): Errand | null {
    const slice = this.#place.series.slices[place];
    if (!slice) return null;
    const sharpening: Sharpening = {
      isWorth: (pixels) => this.eye.isWorth(pixels),
      show: (frame) => this.eye.sharpened(slice, frame, false),
    };
    const run = async (signal: AbortSignal): Promise<void> => {
      try {
        this.eye.sharpened(slice, await this.sources.frames.fetch(slice, signal, isLookedAt ? sharpening : null), true);
      } catch (error) {
        if (!(error instanceof NotShown)) throw error;
        this.eye.refused(slice);
      }
    };
    return { brings: [place], isPack: false, run };
  }

  /** The nearest that is not whole. */
  #wholeAhead(): Errand | null {
    const { series, index, direction, isPlaying } = this.#place;
    const count = series.slices.length;
    const places = isPlaying
      ? following(index, clipAt(series, index))
      : nearest(index, count, this.#ahead(), direction);
    const next = this.#mayRunAhead() ? places.find((place) => this.#lacksWhole(place)) : undefined;
    return next === undefined ? null : this.#whole(next, false);
  }

  /** What plays is fetched whole only where all of it can be kept: else it would be fetched again at each round. */
  #mayRunAhead(): boolean {
    const { series, index, isPlaying } = this.#place;
    const slice = series.slices[index];
    if (this.sources.line.isSpared || !slice) return false;
    return !isPlaying || this.sources.frames.roomFor(slice) >= clipAt(series, index).count;
  }

  #ahead(): number {
    const { series, index } = this.#place;
    const slice = series.slices[index];
    const most = this.sources.line.isThin ? WHOLE_AHEAD_THIN : WHOLE_AHEAD;
    return slice ? Math.min(most, this.sources.frames.roomFor(slice) - 1) : 0;
  }

  #widest(): number {
    const { isSpared, isThin } = this.sources.line;
    return isSpared ? AROUND : isThin ? WIDEST_THIN : WIDEST;
  }

  #lacksPicture(place: number): boolean {
    const slice = this.#place.series.slices[place];
    const { previews, frames } = this.sources;
    return !!slice?.path && !slice.hidden && !previews.has(slice) && !frames.has(slice);
  }

  #lacksWhole(place: number): boolean {
    const slice = this.#place.series.slices[place];
    const { frames } = this.sources;
    return !!slice?.path && !slice.hidden && !frames.has(slice) && frames.refusal(slice) === undefined;
  }
}
