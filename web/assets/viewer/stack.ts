// A study as the viewer sees it: series of slices, a slice being one frame of one instance.

/** As the page gives it: instances are [SOP UID, frames, rows, columns, why it cannot be shown]. */
export interface Manifest {
  path: string;
  id: string;
  series: { uid: string; title: string; modality: string; instances: [string, number, number, number, string][] }[];
}

export interface Slice {
  /** Path of the frame; below it are `rendered` and `pixels`. */
  path: string;
  sop: string;
  /** Of the instance, from 1. */
  frame: number;
  width: number;
  height: number;
  /** Why it cannot be shown, in the reader's words; empty where it can. */
  hidden: string;
}

export interface Series {
  /** Series Instance UID. */
  uid: string;
  title: string;
  modality: string;
  slices: Slice[];
  /** Frames of a moving picture rather than slices of a body. */
  moves: boolean;
}

/** The series of a study, its multi-frame instances opened up. */
export function seriesOf({ path, series }: Manifest): Series[] {
  return series.map(({ uid, title, modality, instances }) => ({
    uid,
    title,
    modality,
    moves: instances.some(([, frames]) => frames > 1),
    slices: instances.flatMap(([sop, frames, height, width, hidden]) =>
      Array.from({ length: Math.max(frames, 1) }, (_unused, frame) => ({
        path: `${path}/instances/${sop}/frames/${frame + 1}`,
        sop,
        frame: frame + 1,
        width,
        height,
        hidden,
      })),
    ),
  }));
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
