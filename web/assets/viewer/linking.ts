// Two series beside each other: which slice of the other belongs to the one that is looked at.
import type { SeriesGeometry, SliceGeometry } from "./slice_geometry";

/** Cosine between two normals from which on slices lie alike. */
const ALIKE = 0.98;

export interface Place {
  geometry: SeriesGeometry | null;
  index: number;
  count: number;
}

/** Where the slice lies along its own normal, in mm; null where the image does not say. */
export function depthOf({ orientation, position }: SliceGeometry): number | null {
  const normal = normalOf(orientation);
  return normal && position ? dot(normal, position) : null;
}

/** Keeps two series together from the pair of slices on: by millimetres where both lie alike, else slice by slice. */
export class Link {
  readonly #apart: number | null;
  readonly #steps: number;

  constructor(one: Place, other: Place) {
    this.#steps = other.index - one.index;
    const [from, to] = [one.geometry?.slices[one.index], other.geometry?.slices[other.index]];
    const [depth, otherDepth] = [from && depthOf(from), to && depthOf(to)];
    const known = from && to && depth != null && otherDepth != null && areAlike(from, to);
    const same =
      one.geometry?.frame_of_reference && one.geometry.frame_of_reference === other.geometry?.frame_of_reference;
    this.#apart = known ? (same ? 0 : otherDepth - depth) : null;
  }

  /** Whether it goes by millimetres in the patient. */
  get isByPlace(): boolean {
    return this.#apart !== null;
  }

  /** The slice of `other` that belongs to slice `one.index`. */
  partner(one: Place, other: Place): number {
    const slice = one.geometry?.slices[one.index];
    const depth = slice ? depthOf(slice) : null;
    if (this.#apart === null || depth === null || !other.geometry) {
      return Math.min(Math.max(one.index + this.#steps, 0), other.count - 1);
    }
    const wanted = depth + this.#apart;
    let [nearest, away] = [other.index, Number.POSITIVE_INFINITY];
    for (const [index, there] of other.geometry.slices.entries()) {
      const found = depthOf(there);
      if (found === null || Math.abs(found - wanted) >= away) continue;
      [nearest, away] = [index, Math.abs(found - wanted)];
    }
    return nearest;
  }
}

function areAlike(one: SliceGeometry, other: SliceGeometry): boolean {
  const [normal, otherNormal] = [normalOf(one.orientation), normalOf(other.orientation)];
  return normal !== null && otherNormal !== null && dot(normal, otherNormal) > ALIKE;
}

function normalOf(orientation: SliceGeometry["orientation"]): [number, number, number] | null {
  if (!orientation) return null;
  const [a, b, c, d, e, f] = orientation;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function dot([a, b, c]: [number, number, number], [d, e, f]: [number, number, number]): number {
  return a * d + b * e + c * f;
}
