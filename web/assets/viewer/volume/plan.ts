// What it takes to lay the slices of a series upon each other on this machine: size, memory, and whether at all.

export type Three = [number, number, number];

/** As the page gives it; see web/views/planes.py. Lengths in mm, in the patient's coordinates (PS3.3 C.7.6.2.1.1). */
export interface Manifest {
  /** Of the study; `id` says which establishment's. */
  path: string;
  id: string;
  modality: string;
  /** SOP UID and frame, from 1, in the order in which they lie. */
  slices: [string, number][];
  rows: number;
  columns: number;
  /** Between columns, between rows, between slices. */
  spacing: Three;
  /** Of the centre of the first pixel of the first slice. */
  origin: Three;
  /** Direction cosines of a row, of a column, and from slice to slice. */
  direction: number[];
  /** Of the values, "HU" or another; empty where it is not known. */
  unit: string;
}

export interface Plan {
  /** How often each side of a slice is halved: 0 or 1. */
  halvings: number;
  /** Columns, rows, slices. */
  size: Three;
  spacing: Three;
  /** Bytes of main and of graphics memory, at the most. */
  memory: number;
}

export interface Limits {
  memory: number;
  /** Of a block in graphics memory, in samples. */
  side: number;
}

/** Four bytes a sample for the script, four for the graphics: fewer where values are whole numbers. */
const BYTES_A_SAMPLE = 8;
const HALVINGS = [0, 1];

/**
 * The finest that fits; null where nothing does. A halved slice has its first sample where the whole one has it, and each
 * second one after it (the low band of the wavelet of PS3.5 §10.18, or each second sample): lengths stay true.
 */
export function planned({ columns, rows, slices, spacing: [across, down, between] }: Manifest, limits: Limits) {
  const plans = HALVINGS.map((halvings): Plan => {
    const part = 2 ** halvings;
    const size: Three = [Math.ceil(columns / part), Math.ceil(rows / part), slices.length];
    const memory = size[0] * size[1] * size[2] * BYTES_A_SAMPLE;
    return { halvings, size, spacing: [across * part, down * part, between], memory };
  });
  return plans.find(({ size, memory }) => memory <= limits.memory && Math.max(...size) <= limits.side) ?? null;
}
