// How far a wheel was turned: a mouse tells of each notch at once, a trackpad of a few pixels at a time.

const NOTCH_PIXELS = 100;
/** What a notch scrolls where the browser counts in lines, as Firefox does. */
const NOTCH_LINES = 3;
/** From here on an event is whole notches, however few pixels the browser gives them on a magnified screen. */
const SMALLEST_NOTCH = 50;
/** Of a trackpad, for a step. */
const STEP_PIXELS = 50;

export class Wheel {
  #rolled = 0;

  /** Whole steps, one a notch; what is left of a trackpad's way counts with the next event. */
  steps(event: Pick<WheelEvent, "deltaY" | "deltaMode">): number {
    const notches = notchesIn(event);
    if (notches !== 0) {
      this.#rolled = 0;
      return notches;
    }
    this.#rolled += event.deltaY / STEP_PIXELS;
    const steps = Math.trunc(this.#rolled);
    this.#rolled -= steps;
    return steps;
  }
}

/** Steps with their fractions, for what needs no whole ones: two fingers on a trackpad zoom smoothly. */
export function smoothSteps(event: Pick<WheelEvent, "deltaY" | "deltaMode">): number {
  return notchesIn(event) || event.deltaY / STEP_PIXELS;
}

/** 0 where it is no notch. */
function notchesIn({ deltaY, deltaMode }: Pick<WheelEvent, "deltaY" | "deltaMode">): number {
  const size = Math.abs(deltaY);
  if (deltaMode === WheelEvent.DOM_DELTA_PIXEL && size < SMALLEST_NOTCH) return 0;
  const unit = { [WheelEvent.DOM_DELTA_PIXEL]: NOTCH_PIXELS, [WheelEvent.DOM_DELTA_LINE]: NOTCH_LINES }[deltaMode] ?? 1;
  return Math.sign(deltaY) * Math.max(Math.round(size / unit), 1);
}
