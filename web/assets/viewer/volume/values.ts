// The values of a volume, slice upon slice: whole numbers in 16 bits as long as all are, in floating point from then on.
import type { FrameDescription } from "../windowing";

export interface Slice {
  description: FrameDescription;
  samples: Uint8Array | Int16Array | Uint16Array;
}

const SAMPLED = 65_536;

export class Values {
  #content: Int16Array | Float32Array;

  constructor(
    private readonly area: number,
    slices: number,
  ) {
    this.#content = new Int16Array(area * slices);
  }

  get content(): Int16Array | Float32Array {
    return this.#content;
  }

  /** What the samples of a slice mean (value = sample × slope + intercept), at its place from 0. */
  put(place: number, slice: Slice): void {
    const { description, samples } = slice;
    if (samples.length !== this.area) throw new Error("a slice of another size");
    const start = place * this.area;
    const into = this.#content;
    for (let at = 0; at < samples.length; at++) {
      const value = (samples[at] ?? 0) * description.slope + description.intercept;
      into[start + at] = value;
      if (into[start + at] !== value && into instanceof Int16Array) {
        this.#content = Float32Array.from(into);
        this.put(place, slice);
        return;
      }
    }
  }

  /** The window over all but the darkest and brightest hundredth of some of the values. */
  window(): { center: number; width: number } {
    const step = Math.max(Math.floor(this.#content.length / SAMPLED), 1);
    const sorted = Float32Array.from({ length: Math.floor(this.#content.length / step) }, (_unused, at) => {
      return this.#content[at * step] ?? 0;
    }).sort();
    const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? 0;
    const [low, high] = [at(0.01), at(0.99)];
    return { center: (low + high) / 2, width: Math.max(high - low, 1) };
  }
}
