// Frames without loss: as a codestream that sharpens while it comes, or as plain samples where there is none.
import { ByteCache } from "./byte_cache";
import { type Decoder, Undecodable } from "./decoding/decoding";
import { type Line, NotShown } from "./line";
import type { Slice } from "./stack";
import { type Frame, type FrameDescription, frameOf } from "./windowing";

/** Width, height, and how many bytes from the beginning bring them. */
type Resolution = readonly [width: number, height: number, bytes: number];

/** What has come of a codestream so far: kept when the eye leaves or the line breaks, and gone on with. */
interface Begun {
  description: FrameDescription;
  /** The coarsest first; the last is the whole. */
  levels: Resolution[];
  tag: string;
  content: Uint8Array<ArrayBuffer>;
  received: number;
}

/** Who waits for a frame: which resolutions on the way are worth showing, by the longer side, and what to do with one. */
export interface Sharpening {
  isWorth(pixels: number): boolean;
  show(frame: Frame): void;
}

const UNSEEN: Sharpening = { isWorth: () => false, show: () => undefined };
/** What is begun may take so much of the room. */
const BEGUN_PART = 4;
/** Bytes of a pixel, of a colour one. */
const WIDEST_SAMPLE = 3;

export class Frames {
  readonly #frames: ByteCache<Frame>;
  readonly #begun: ByteCache<Begun>;
  readonly #refused = new Map<string, string>();
  /** Instances of which there are only plain samples. */
  readonly #plain = new Set<string>();
  #decodes = true;

  constructor(
    private readonly line: Line,
    private readonly decoder: Decoder,
    /** Bytes of samples to keep. */
    private readonly limit: number,
  ) {
    this.#frames = new ByteCache(limit);
    this.#begun = new ByteCache(limit / BEGUN_PART);
  }

  /** The samples, if they are here already. */
  held(slice: Slice): Frame | undefined {
    return this.#frames.get(slice.path);
  }

  has(slice: Slice): boolean {
    return this.#frames.has(slice.path);
  }

  /** How many of such a slice are kept at once. */
  roomFor({ width, height }: Slice): number {
    return Math.floor(this.limit / Math.max(width * height * WIDEST_SAMPLE, 1));
  }

  /** Why there are none to be had, in the reader's words. */
  refusal(slice: Slice): string | undefined {
    return this.#refused.get(slice.path);
  }

  /** The samples. Throws NotShown, or what the network throws. */
  async fetch(slice: Slice, signal: AbortSignal, sharpening: Sharpening | null = null): Promise<Frame> {
    const held = this.held(slice);
    if (held) return held;
    try {
      const frame = (await this.#coded(slice, signal, sharpening)) ?? (await this.#uncoded(slice, signal, sharpening));
      this.#frames.put(slice.path, frame, frame.samples.byteLength);
      return frame;
    } catch (error) {
      if (error instanceof NotShown) this.#refused.set(slice.path, error.message);
      throw error;
    }
  }

  async #uncoded(slice: Slice, signal: AbortSignal, sharpening: Sharpening | null): Promise<Frame> {
    const response = await this.line.get(`${slice.path}/pixels`, { signal, quiet: !sharpening });
    return frameOf(described(response), await response.arrayBuffer());
  }

  /** By way of the decoder; null where the server does not code this frame or the decoder fails. */
  async #coded(slice: Slice, signal: AbortSignal, sharpening: Sharpening | null): Promise<Frame | null> {
    if (!this.#decodes || this.#plain.has(slice.sop)) return null;
    try {
      this.decoder.warm();
      const begun = await this.#received(slice, signal, sharpening);
      const frame = await this.#decoded(begun, begun.levels.length - 1);
      this.#begun.delete(slice.path);
      return frame;
    } catch (error) {
      if (error instanceof NotShown) this.#plain.add(slice.sop);
      else if (error instanceof Undecodable) this.#decodes = false;
      else throw error;
      signal.throwIfAborted();
      return null;
    }
  }

  async #received(slice: Slice, signal: AbortSignal, sharpening: Sharpening | null): Promise<Begun> {
    const before = this.#begun.get(slice.path);
    if (before && before.received === before.content.length) return before;
    const headers: Record<string, string> = before
      ? { Range: `bytes=${before.received}-`, "If-Range": before.tag }
      : {};
    const response = await this.line.get(`${slice.path}/codestream`, { signal, quiet: !sharpening, headers });
    const begun = before && response.status === 206 ? before : beginning(response);
    this.#begun.put(slice.path, begun, begun.content.length);
    const sharpen = this.#sharpener(begun, signal, sharpening ?? UNSEEN);
    for await (const piece of this.line.pieces(response)) {
      begun.content.set(piece, begun.received);
      begun.received += piece.length;
      sharpen();
    }
    if (begun.received < begun.content.length) throw new Error("cut off");
    return begun;
  }

  /** Shows the best resolution that has come and is worth it, one at a time and each once. */
  #sharpener(begun: Begun, signal: AbortSignal, { isWorth, show }: Sharpening): () => void {
    let shown = -1;
    let isBusy = false;
    return () => {
      const level = begun.levels.findLastIndex(([, , bytes]) => bytes <= begun.received);
      const [width = 0, height = 0] = begun.levels[level] ?? [];
      if (isBusy || level <= shown || level === begun.levels.length - 1 || !isWorth(Math.max(width, height))) return;
      isBusy = true;
      shown = level;
      this.#decoded(begun, level)
        .then((frame) => {
          if (!signal.aborted) show(frame);
        })
        .catch(() => undefined) // the whole will fail too, and say so
        .finally(() => {
          isBusy = false;
        });
    };
  }

  async #decoded({ content, levels, description }: Begun, level: number): Promise<Frame> {
    const [columns, rows, bytes] = levels[level] ?? [0, 0, 0];
    const samples = await this.decoder.decode(content.subarray(0, bytes), levels.length - 1 - level);
    try {
      return frameOf({ ...description, columns, rows }, samples);
    } catch (error) {
      throw new Undecodable(String(error));
    }
  }
}

function beginning(response: Response): Begun {
  const { levels, ...description } = described(response) as FrameDescription & { levels: Resolution[] };
  const bytes = levels.at(-1)?.[2] ?? 0;
  const tag = response.headers.get("ETag") ?? "";
  return { description, levels, tag, content: new Uint8Array(bytes), received: 0 };
}

function described(response: Response): FrameDescription {
  return JSON.parse(response.headers.get("Pixel-Description") ?? "") as FrameDescription;
}
