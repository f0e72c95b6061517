// What the server tells of each slice of a series: spacing, place, unit, calibrated regions. See web/views/geometry.py.

export interface SliceGeometry {
  /** mm between rows, and between columns. */
  spacing: [number, number] | null;
  /** Where that holds: in the patient, or at the detector only. */
  spacing_is: "patient" | "detector" | "";
  /** Direction cosines of a row and of a column. */
  orientation: [number, number, number, number, number, number] | null;
  /** Of the centre of the first pixel, in mm. */
  position: [number, number, number] | null;
  /** Of the values, "HU" or another; empty where it is not known. */
  unit: string;
  /** Of ultrasound: x0, y0, x1, y1, delta x, delta y, unit x, unit y, spatial format (PS3.3 C.8.5.5). */
  regions: number[][];
  /** Pictures a second, of what is shown one after the other. */
  rate?: number | null;
}

export interface SeriesGeometry {
  /** UID; empty where positions cannot be compared. */
  frame_of_reference: string;
  /** Whether they lie as if one of them had not arrived. */
  lacks_slice?: boolean;
  slices: SliceGeometry[];
}

/** Slices of a series that the server tells of. */
const MOST_SLICES = 10_000;

/** Fetches the geometry of each series of a study once. */
export class Geometries {
  readonly #asked = new Map<string, Promise<SeriesGeometry>>();

  /** `path` is that of the study, `id` says which establishment's; `slices` how many the page knows of each series. */
  constructor(
    private readonly path: string,
    private readonly id: string,
    private readonly slices: ReadonlyMap<string, number>,
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** Throws what the network throws; then the next call asks again. And where the series has grown since the page was
   * made: each slice would be measured by another's. */
  async of(series: string): Promise<SeriesGeometry> {
    const known = this.#asked.get(series) ?? this.#ask(series);
    this.#asked.set(series, known);
    const told = await known;
    if (told.slices.length !== Math.min(this.slices.get(series) ?? 0, MOST_SLICES)) throw new Error("other slices");
    return told;
  }

  async #ask(series: string): Promise<SeriesGeometry> {
    const address = `${this.path}/series/${series}/geometry?${new URLSearchParams({ id: this.id })}`;
    try {
      const answer = await this.fetcher(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      return (await answer.json()) as SeriesGeometry;
    } catch (error) {
      this.#asked.delete(series);
      throw error;
    }
  }
}
