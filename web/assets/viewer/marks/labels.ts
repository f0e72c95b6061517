// Where the words of marks stand: beside their mark, on the stage, and none over another's.
import type { Point, Size } from "../geometry";

export interface Labelled {
  line: readonly Point[];
  label: readonly string[];
}

interface Box extends Point {
  width: number;
  height: number;
}

export const LINE_HEIGHT = 16;
const LETTER = 7.5;
const AWAY = 10;

/** For each of these the beginning of its first line. What comes first has the first choice. */
export function placesOf(marks: readonly Labelled[], stage: Size): Point[] {
  const taken: Box[] = [];
  return marks.map((mark) => {
    const place = placeOf(mark, stage, taken);
    if (mark.label.length > 0) taken.push(place);
    return { x: place.x, y: place.y + LINE_HEIGHT };
  });
}

/** Right of the mark, left of it, above or below; where nothing of that is free, further and further down or up. */
function placeOf({ line, label }: Labelled, stage: Size, taken: readonly Box[]): Box {
  const width = Math.max(0, ...label.map((words) => words.length)) * LETTER;
  const height = LINE_HEIGHT * label.length;
  const at = (x: number, y: number): Box => ({
    x: Math.max(Math.min(x, stage.width - width), 0),
    y: Math.max(Math.min(y, stage.height - height), 0),
    width,
    height,
  });
  const most = (isBeyond: (one: Point, other: Point) => boolean): Point =>
    line.reduce((best, point) => (isBeyond(point, best) ? point : best), line[0] ?? { x: 0, y: 0 });
  const [right, left] = [most((one, other) => one.x > other.x), most((one, other) => one.x < other.x)];
  const [top, bottom] = [most((one, other) => one.y < other.y), most((one, other) => one.y > other.y)];
  const first = at(right.x + AWAY, right.y - AWAY - LINE_HEIGHT);
  const beside = [
    first,
    at(left.x - AWAY - width, left.y - AWAY - LINE_HEIGHT),
    at(top.x - width / 2, top.y - AWAY - height),
    at(bottom.x - width / 2, bottom.y + AWAY),
  ];
  const rows = Array.from({ length: Math.ceil(stage.height / LINE_HEIGHT) }, (_unused, row) => (row + 1) * LINE_HEIGHT);
  const further = rows.flatMap((by) => [at(first.x, first.y + by), at(first.x, first.y - by)]);
  return [...beside, ...further].find((box) => !taken.some((other) => overlap(box, other))) ?? first;
}

function overlap(one: Box, other: Box): boolean {
  const isApart =
    one.x >= other.x + other.width ||
    other.x >= one.x + one.width ||
    one.y >= other.y + other.height ||
    other.y >= one.y + one.height;
  return !isApart;
}
