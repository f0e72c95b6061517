// Two series beside each other: which slice of the other belongs to the one that is looked at.
import type { SeriesGeometry, SliceGeometry } from "./slice_geometry";

/** Cosine between two normals from which on slices lie alike. */
const ALIKE = 0.98;

type Vector = [number, number, number];

export interface Place {
  geometry: SeriesGeometry | null;
  index: number;
  count: number;
  /** Columns and rows of each slice. */
  sizes?: readonly { width: number; height: number }[];
}

/** Keeps two series together from the pair of slices on: by millimetres where both lie alike, else slice by slice. */
export class Link {
  readonly #apart: number | null;
  /** Whether both are of one examination: millimetres in one are millimetres in the other. */
  readonly isOneBody: boolean;
  readonly #steps: number;

  constructor(one: Place, other: Place) {
    this.#steps = other.index - one.index;
    const reference = one.geometry?.frame_of_reference;
    this.isOneBody = Boolean(reference) && reference === other.geometry?.frame_of_reference;
    const [from, to] = [one.geometry?.slices[one.index], other.geometry?.slices[other.index]];
    const [depth, otherDepth] = [depthOf(one, one.index), depthOf(other, other.index)];
    const known = from && to && depth !== null && otherDepth !== null && areAlike(from, to);
    this.#apart = known ? (this.isOneBody ? 0 : otherDepth - depth) : null;
  }

  /** Whether it goes by millimetres in the patient. */
  get isByPlace(): boolean {
    return this.#apart !== null;
  }

  /** The slice of `other` that belongs to slice `one.index`: of those that lie like it, where there are some. */
  partner(one: Place, other: Place): number {
    const slice = one.geometry?.slices[one.index];
    const depth = depthOf(one, one.index);
    if (this.#apart === null || !slice || depth === null || !other.geometry) {
      return Math.min(Math.max(one.index + this.#steps, 0), other.count - 1);
    }
    const wanted = depth + this.#apart;
    const normal = this.isOneBody ? normalOf(slice.orientation) : null;
    let [nearest, away] = [other.index, Number.POSITIVE_INFINITY];
    for (const [index, there] of other.geometry.slices.entries()) {
      const found = areAlike(slice, there) ? depthOf(other, index, normal) : null;
      if (found === null || Math.abs(found - wanted) >= away) continue;
      [nearest, away] = [index, Math.abs(found - wanted)];
    }
    return nearest;
  }
}

/** Where a series that is opened beside another begins: at the same height where both are of one examination, else as far
 * along, counted from the same end of the body. */
export function beginning(one: Place, other: Place): number {
  const link = new Link(one, other);
  if (link.isOneBody && link.isByPlace) return link.partner(one, other);
  const share = one.count > 1 ? one.index / (one.count - 1) : 0;
  const runsOtherWay = runOf(one) * runOf(other) < 0;
  return Math.round((runsOtherWay ? 1 - share : share) * (other.count - 1));
}

/** Above 0 where the slices go along their normal, below where against it, 0 where the images do not say. */
function runOf(place: Place): number {
  const normal = normalOf(place.geometry?.slices[0]?.orientation ?? null);
  const [first, last] = [depthOf(place, 0, normal), depthOf(place, place.count - 1, normal)];
  return first === null || last === null ? 0 : last - first;
}

/** Where the middle of a slice lies along a normal, its own if none is given, in mm; null where the image does not say.
 * Corners of slices that are tilted against each other lie far apart where the slices meet. */
function depthOf({ geometry, sizes }: Place, index: number, along: Vector | null = null): number | null {
  const slice = geometry?.slices[index];
  const normal = along ?? normalOf(slice?.orientation ?? null);
  if (!slice?.position || !slice.orientation || !normal) return null;
  const [down, across] = slice.spacing ?? [0, 0];
  const { width, height } = sizes?.[index] ?? { width: 1, height: 1 };
  const [a, b, c, d, e, f] = slice.orientation;
  const [right, below] = [(across * (width - 1)) / 2, (down * (height - 1)) / 2];
  return dot(normal, slice.position) + right * dot(normal, [a, b, c]) + below * dot(normal, [d, e, f]);
}

function areAlike(one: SliceGeometry, other: SliceGeometry): boolean {
  const [normal, otherNormal] = [normalOf(one.orientation), normalOf(other.orientation)];
  return normal !== null && otherNormal !== null && dot(normal, otherNormal) > ALIKE;
}

function normalOf(orientation: SliceGeometry["orientation"]): Vector | null {
  if (!orientation) return null;
  const [a, b, c, d, e, f] = orientation;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function dot([a, b, c]: Vector, [d, e, f]: Vector): number {
  return a * d + b * e + c * f;
}
