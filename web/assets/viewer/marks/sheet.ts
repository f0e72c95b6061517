// The marks of a study: those drawn here, which can be changed, those that are kept, which cannot, and those that
// somebody else draws at this moment and shows.
import type { Point, Size } from "../geometry";
import { type Kind, type Measured, measured, outline, type Value } from "./measures";

/** Which slice: SOP Instance UID and frame, from 1, with the UID of its series. */
export interface Place {
  series: string;
  sop: string;
  frame: number;
}

export interface Own extends Place, Measured {
  id: string;
  kind: Kind;
  points: Point[];
}

/** Read from a report in the study; `graphic` is its line in the image. */
export interface Kept extends Place {
  id: string;
  kind: Kind;
  graphic: Point[];
  values: { quantity: string; value: number; unit: string }[];
  atDetector: boolean;
  by: string;
  at: string;
  /** UID of the report it stands in. */
  report: string;
}

export type Mark = Own | Kept;

/** A mark as it goes to who looks at the study too: what it comes to is measured there. */
export interface Told extends Place {
  kind: Kind;
  points: Point[];
}

/** What the server is sent. */
export interface Sent extends Place {
  kind: Kind;
  points: [number, number][];
  values: Value[];
}

export function isOwn(mark: Mark): mark is Own {
  return "points" in mark;
}

export function lineOf(mark: Mark): Point[] {
  return isOwn(mark) ? outline(mark.kind, mark.points) : mark.graphic;
}

export function isAt(mark: Place, { sop, frame }: Place): boolean {
  return mark.sop === sop && mark.frame === frame;
}

export class Sheet {
  kept: Kept[] = [];
  showsKept = true;
  #own: Own[] = [];
  #shown: Own[] = [];
  #deleted: Own | null = null;
  #count = 0;

  get own(): readonly Own[] {
    return this.#own;
  }

  /** Everything whose size is reckoned here. */
  get measured(): Own[] {
    return [...this.#own, ...this.#shown];
  }

  /** What others are told. */
  get told(): Told[] {
    return this.#own.map(({ kind, series, sop, frame, points }) => ({ kind, series, sop, frame, points }));
  }

  /** Another's, in place of those they showed before. */
  show(marks: readonly Told[]): void {
    this.#shown = marks.map((mark, at) => ({
      ...mark,
      id: `shown-${at}-${mark.kind}`,
      ...measured(mark.kind, mark.points),
    }));
  }

  /** Whether it can be taken hold of. */
  holds(mark: Mark): mark is Own {
    return isOwn(mark) && this.#own.includes(mark);
  }

  get all(): Mark[] {
    return [...this.#own, ...this.kept];
  }

  get canUndo(): boolean {
    return this.#deleted !== null;
  }

  /** What is to be seen on a slice. */
  on(place: Place): Mark[] {
    return [...this.measured, ...(this.showsKept ? this.kept : [])].filter((mark) => isAt(mark, place));
  }

  find(id: string): Mark | undefined {
    return this.all.find((mark) => mark.id === id);
  }

  add(kind: Kind, { series, sop, frame }: Place, points: Point[]): Own {
    this.#count += 1;
    const mark = { id: `own-${this.#count}`, kind, series, sop, frame, points, ...measured(kind, points) };
    this.#own.push(mark);
    return mark;
  }

  /** Move one point, or the whole mark, by so much, within the image. */
  move(mark: Own, point: number | null, by: Point, image: Size): void {
    const moved = point === null ? mark.points : mark.points.slice(point, point + 1);
    const right = within(
      by.x,
      moved.map(({ x }) => x),
      image.width,
    );
    const down = within(
      by.y,
      moved.map(({ y }) => y),
      image.height,
    );
    mark.points = mark.points.map((one, at) =>
      point === null || at === point ? { x: one.x + right, y: one.y + down } : one,
    );
  }

  delete(id: string): void {
    this.#deleted = this.#own.find((mark) => mark.id === id) ?? this.#deleted;
    this.#own = this.#own.filter((mark) => mark.id !== id);
  }

  /** Take the last deletion back. */
  undo(): Own | null {
    const mark = this.#deleted;
    if (mark) this.#own.push(mark);
    this.#deleted = null;
    return mark;
  }

  /** What is not kept yet, of one slice or of all, as the server takes it. */
  sent(place?: Place): Sent[] {
    return this.#ownAt(place).map(({ kind, series, sop, frame, points, values }) => ({
      kind,
      series,
      sop,
      frame,
      points: points.map(({ x, y }) => [x, y]),
      values,
    }));
  }

  /** Which these are. */
  idsAt(place?: Place): Set<string> {
    return new Set(this.#ownAt(place).map(({ id }) => id));
  }

  /** The reports of what is kept and to be seen on a slice. */
  reportsOn(place: Place): string[] {
    const kept = this.on(place).filter((mark): mark is Kept => !isOwn(mark));
    return [...new Set(kept.map(({ report }) => report))];
  }

  /** These are kept now: what was drawn meanwhile stays. */
  forget(ids: ReadonlySet<string>): void {
    this.#own = this.#own.filter((mark) => !ids.has(mark.id));
  }

  #ownAt(place?: Place): Own[] {
    return place ? this.#own.filter((mark) => isAt(mark, place)) : this.#own;
  }
}

/** A step that leaves all of them between 0 and `end`. */
function within(step: number, values: number[], end: number): number {
  return Math.min(Math.max(step, -Math.min(...values)), end - Math.max(...values));
}
