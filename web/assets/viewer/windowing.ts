// From samples to grey: the linear window of PS3.3 C.11.2.1.2.1, as one table for every bit pattern a sample can have.

export interface Level {
  center: number;
  width: number;
}

/** What the samples of a frame mean: value = sample × slope + intercept. As the server's `Pixel-Description` says it. */
export interface FrameDescription {
  rows: number;
  columns: number;
  samples: 1 | 3;
  type: "uint8" | "int16" | "uint16";
  slope: number;
  intercept: number;
  is_inverted: boolean;
  window_center: number;
  window_width: number;
}

export interface Frame {
  description: FrameDescription;
  samples: Uint8Array | Int16Array | Uint16Array;
}

const OPAQUE = 0xff000000;
const SEEN = 0.01;

/** The samples of a response body; throws when it is shorter than its description says. */
export function frameOf(description: FrameDescription, body: ArrayBuffer): Frame {
  const kinds = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };
  const count = description.rows * description.columns * description.samples;
  return { description, samples: new kinds[description.type](body, 0, count) };
}

/** The window the frame itself asks for. */
export function ownLevel({ window_center: center, window_width: width }: FrameDescription): Level {
  return { center, width };
}

/** Opaque grey, packed as the bytes of an ImageData are, for each bit pattern. */
export function greyTable(description: FrameDescription, { center, width }: Level): Uint32Array {
  const count = description.type === "uint8" ? 256 : 65536;
  const table = new Uint32Array(count);
  const span = Math.max(width - 1, 1e-6);
  const signed = description.type === "int16";
  for (let pattern = 0; pattern < count; pattern++) {
    const sample = signed && pattern > 32767 ? pattern - 65536 : pattern;
    const value = sample * description.slope + description.intercept;
    const part = Math.min(Math.max((value - (center - 0.5)) / span + 0.5, 0), 1);
    const grey = Math.floor((description.is_inverted ? 1 - part : part) * 255 + 0.5);
    table[pattern] = OPAQUE | (grey << 16) | (grey << 8) | grey;
  }
  return table;
}

/** Write the frame as it looks under a window into `pixels`, one 32-bit value a pixel. */
export function paint({ description, samples }: Frame, level: Level, pixels: Uint32Array): void {
  if (description.samples === 3) {
    for (let at = 0, from = 0; at < pixels.length; at++, from += 3) {
      pixels[at] = OPAQUE | ((samples[from + 2] ?? 0) << 16) | ((samples[from + 1] ?? 0) << 8) | (samples[from] ?? 0);
    }
    return;
  }
  const table = greyTable(description, level);
  const mask = table.length - 1;
  for (let at = 0; at < pixels.length; at++) pixels[at] = table[(samples[at] ?? 0) & mask] ?? OPAQUE;
}

/** A window over all but the darkest and brightest hundredth of a frame. */
export function autoLevel({ description, samples }: Frame): Level {
  const sorted = samples.filter((_sample, at) => at % Math.ceil(samples.length / 65536) === 0).sort();
  const at = (part: number): number =>
    (sorted[Math.round((sorted.length - 1) * part)] ?? 0) * description.slope + description.intercept;
  const [low, high] = [at(SEEN), at(1 - SEEN)];
  return { center: (low + high) / 2 + 0.5, width: Math.max(Math.abs(high - low), 1) + 1 };
}

/** The window after a drag of so many CSS pixels: right widens it, down makes the image darker. */
export function draggedLevel({ center, width }: Level, right: number, down: number): Level {
  return { center: center + (down * width) / 300, width: Math.min(Math.max(width * Math.exp(right / 200), 1), 1e6) };
}
