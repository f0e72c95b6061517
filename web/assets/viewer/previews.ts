// Small pictures of slices, under each one's own window: many in one answer, kept as they came.
import { ByteCache } from "./byte_cache";
import type { Line } from "./line";
import type { Series, Slice } from "./stack";

/** The most an answer holds. */
export const PACK = 64;
/** Slice number and length, big endian in four bytes each, before every picture. */
const HEAD_BYTES = 8;

export interface Arrival {
  slice: Slice;
  /** null: the server cannot draw it. */
  picture: Blob | null;
}

export class Previews {
  readonly #pictures: ByteCache<Blob | null>;

  constructor(
    private readonly line: Line,
    /** Bytes of pictures to keep. */
    limit: number,
  ) {
    this.#pictures = new ByteCache(limit);
  }

  /** The picture; null where there is none to be had, undefined where it has not come. */
  held(slice: Slice): Blob | null | undefined {
    return this.#pictures.get(slice.path);
  }

  has(slice: Slice): boolean {
    return this.#pictures.has(slice.path);
  }

  put({ slice, picture }: Arrival): void {
    this.#pictures.put(slice.path, picture, picture?.size ?? 0);
  }

  /** Fetch those at these places of a series, each told as it comes. Throws when fewer come. */
  async fetch(series: Series, places: readonly number[], tell: (one: Arrival) => void, signal: AbortSignal) {
    const slices = places.map((place) => place + 1).join(",");
    const of = String(series.slices.length); // of a series that grew since, the places are others now
    const response = await this.line.get(`${series.path}/previews`, { signal }, { slices, of });
    let missing = places.length;
    for await (const [number, bytes] of records(this.line.pieces(response))) {
      const slice = series.slices[number - 1];
      if (!slice) continue;
      const arrival = { slice, picture: bytes.length ? new Blob([bytes], { type: "image/webp" }) : null };
      this.put(arrival);
      missing--;
      tell(arrival);
    }
    if (missing > 0) throw new Error("cut off");
  }
}

/** Slice numbers with their bytes, however the body was cut into pieces. */
export async function* records(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<[number, Uint8Array<ArrayBuffer>]> {
  let rest = new Uint8Array();
  for await (const piece of pieces) {
    const joined = new Uint8Array(rest.length + piece.length);
    joined.set(rest);
    joined.set(piece, rest.length);
    rest = joined;
    for (;;) {
      if (rest.length < HEAD_BYTES) break;
      const view = new DataView(rest.buffer, rest.byteOffset);
      const end = HEAD_BYTES + view.getUint32(4);
      if (rest.length < end) break;
      yield [view.getUint32(0), rest.slice(HEAD_BYTES, end)];
      rest = rest.subarray(end);
    }
  }
}
