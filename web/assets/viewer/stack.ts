// A study as the viewer sees it: series of slices, a slice being one frame of one instance.

/** As the page gives it: instances are [SOP UID, frames, rows, columns, why it cannot be shown]. */
export interface Manifest {
  path: string;
  id: string;
  /** SOP UIDs of those of which there is a video. */
  films?: string[];
  series: { uid: string; title: string; modality: string; instances: [string, number, number, number, string][] }[];
}

export interface Slice {
  /** Path of the frame; below it are `codestream` and `pixels`. */
  path: string;
  sop: string;
  /** Of the instance, from 1. */
  frame: number;
  width: number;
  height: number;
  /** How much higher than wide its pixels are, once that is known. */
  aspect?: number;
  /** How many of its kind a second were recorded, once that is known and if the images say it. */
  rate?: number | null;
  /** Path of the video of its instance; empty where there is none. */
  film?: string;
  /** Why it cannot be shown, in the reader's words; empty where it can. */
  hidden: string;
}

export interface Series {
  /** Series Instance UID. */
  uid: string;
  /** Below it are `previews`. */
  path: string;
  title: string;
  modality: string;
  slices: Slice[];
  /** Frames of a moving picture rather than slices of a body. */
  moves: boolean;
}

/** What is looked at before there is anything. */
export const NOWHERE: Series = { uid: "", path: "", title: "", modality: "", slices: [], moves: false };

/** The series of a study, its multi-frame instances opened up. */
export function seriesOf({ path, films = [], series }: Manifest): Series[] {
  return series.map(({ uid, title, modality, instances }) => ({
    uid,
    path: `${path}/series/${uid}`,
    title,
    modality,
    moves: instances.some(([, frames]) => frames > 1),
    slices: instances.flatMap(([sop, frames, height, width, hidden]) =>
      Array.from({ length: Math.max(frames, 1) }, (_unused, frame) => ({
        path: `${path}/instances/${sop}/frames/${frame + 1}`,
        sop,
        frame: frame + 1,
        film: films.includes(sop) ? `${path}/instances/${sop}/cine` : "",
        width,
        height,
        hidden,
      })),
    ),
  }));
}

/** Where what plays begins, and how many places it has: a moving picture by itself, or all of a stack. */
export function clipAt({ slices }: Series, index: number): { first: number; count: number } {
  const { sop } = slices[index] ?? {};
  const first = slices.findIndex((slice) => slice.sop === sop);
  const count = slices.filter((slice) => slice.sop === sop).length;
  return count > 1 ? { first, count } : { first: 0, count: slices.length };
}

/** The slice `by` further on: it stops at the ends, or goes round. */
export function stepped(index: number, by: number, length: number, round = false): number {
  if (round) return (((index + by) % length) + length) % length;
  return Math.min(Math.max(index + by, 0), length - 1);
}

/** What to fetch next: the nearest slices first, those in the direction of travel before those behind. */
export function nearest(index: number, length: number, count: number, direction: 1 | -1): number[] {
  const found: number[] = [];
  for (let distance = 1; found.length < count && distance < length; distance++) {
    for (const at of [index + distance * direction, index - distance * direction]) {
      if (at >= 0 && at < length && found.length < count) found.push(at);
    }
  }
  return found;
}

/** The next places in the direction of travel. */
export function ahead(index: number, length: number, count: number, direction: 1 | -1): number[] {
  const many = Math.min(count, direction > 0 ? length - 1 - index : index);
  return Array.from({ length: Math.max(many, 0) }, (_unused, by) => index + (by + 1) * direction);
}

/** What gives an idea of a whole series: `count` places evenly over it, the middle and the ends first, coarse to fine. */
export function spread(length: number, count: number): number[] {
  const many = Math.min(count, length);
  if (many < 2) return length > 0 ? [0] : [];
  const place = (at: number): number => Math.round((at * (length - 1)) / (many - 1));
  const found = new Set([place(many >> 1), 0, length - 1]);
  for (let step = 2 ** Math.floor(Math.log2(many)); step >= 1; step /= 2) {
    for (let at = step; at < many; at += step) found.add(place(at));
  }
  return [...found];
}

/** What comes next when it plays: the places of a clip from `index` on, and round. */
export function following(index: number, { first, count }: { first: number; count: number }): number[] {
  return Array.from({ length: count }, (_unused, by) => first + ((index - first + by) % count));
}
