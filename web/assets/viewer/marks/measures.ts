// Lengths, angles and areas on a slice. Points are the image's pixels from the outer corner of the first (PS3.3 C.18.6).
import type { Point } from "../geometry";
import type { SliceGeometry } from "../slice_geometry";
import type { Frame } from "../windowing";

export type Kind = "length" | "angle" | "area";
export type Quantity = Kind | "mean" | "min" | "max";
export type Unit = "mm" | "mm2" | "px" | "px2" | "deg" | "HU";

export interface Value {
  quantity: Quantity;
  value: number;
  unit: Unit;
}

export interface Measured {
  values: Value[];
  /** In mm at the detector: what was imaged is smaller. */
  atDetector: boolean;
}

/** mm for a step of one pixel, across and down. */
export interface Scale {
  across: number;
  down: number;
  atDetector: boolean;
}

/** How many points make a mark: two ends; an arm's end, the corner, the other arm's; two corners of an ellipse's box. */
export const POINTS: Record<Kind, number> = { length: 2, angle: 3, area: 2 };

const TISSUE = 1;
const CENTIMETRES = 3;
const MM_PER_CM = 10;
const CORNERS = 64;

/** What is known of sizes where these points lie; null: only pixels can be counted. */
export function scaleAt(geometry: SliceGeometry | undefined, points: readonly Point[]): Scale | null {
  if (!geometry) return null;
  if (geometry.regions.length > 0) return regionScale(geometry.regions, points);
  if (!geometry.spacing) return null;
  const [down, across] = geometry.spacing;
  return { across, down, atDetector: geometry.spacing_is !== "patient" };
}

/** Why a mark is told in pixels; null: it is not, or nothing is known of the image yet. */
export function whyInPixels(
  kind: Kind,
  points: readonly Point[],
  geometry: SliceGeometry | undefined,
): "noScale" | "outside" | null {
  if (kind === "angle" || !geometry || scaleAt(geometry, points)) return null;
  return geometry.regions.length > 0 ? "outside" : "noScale";
}

/** All points have to lie in one region that is measured in centimetres both ways. */
function regionScale(regions: readonly number[][], points: readonly Point[]): Scale | null {
  for (const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, dx = 0, dy = 0, unitX, unitY, format] of regions) {
    const inside = points.every(({ x, y }) => x >= x0 && x <= x1 + 1 && y >= y0 && y <= y1 + 1);
    const counts = format === TISSUE && unitX === CENTIMETRES && unitY === CENTIMETRES && dx * dy !== 0;
    if (inside && counts) {
      return { across: Math.abs(dx) * MM_PER_CM, down: Math.abs(dy) * MM_PER_CM, atDetector: false };
    }
  }
  return null;
}

/** Everything that can honestly be said of a mark. The frame is null until its own samples are here. */
export function measured(
  kind: Kind,
  points: readonly Point[],
  geometry?: SliceGeometry,
  frame: Frame | null = null,
): Measured {
  const scale = scaleAt(geometry, points);
  const { across, down, atDetector } = scale ?? { across: 1, down: 1, atDetector: false };
  const [first, second, third] = points.map(({ x, y }) => ({ x: x * across, y: y * down }));
  if (!first || !second) return { values: [], atDetector };
  if (kind === "length") {
    const value = Math.hypot(second.x - first.x, second.y - first.y);
    return { values: [{ quantity: kind, value, unit: scale ? "mm" : "px" }], atDetector };
  }
  if (kind === "angle") {
    const value = third ? angle(first, second, third) : 0;
    return { values: [{ quantity: kind, value, unit: "deg" }], atDetector: false };
  }
  const value = (Math.PI / 4) * Math.abs(second.x - first.x) * Math.abs(second.y - first.y);
  const values: Value[] = [{ quantity: kind, value, unit: scale ? "mm2" : "px2" }];
  if (geometry?.unit === "HU" && frame) values.push(...statistics(points, frame));
  return { values, atDetector };
}

/** Between two arms, in degrees from 0 to 180. */
function angle(end: Point, corner: Point, other: Point): number {
  const [a, b] = [end, other].map(({ x, y }) => Math.atan2(y - corner.y, x - corner.x)) as [number, number];
  const turn = Math.abs(a - b) * (180 / Math.PI);
  return turn > 180 ? 360 - turn : turn;
}

/** Mean, smallest and largest value of the pixels whose centre lies in the ellipse. */
function statistics(points: readonly Point[], { description, samples }: Frame): Value[] {
  if (description.samples !== 1) return [];
  const { rows, columns, slope, intercept } = description;
  const box = boxOf(points);
  const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  const [wide, high] = [(box.right - box.left) / 2, (box.bottom - box.top) / 2];
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
  for (let row = Math.max(Math.floor(box.top), 0); row < Math.min(box.bottom, rows); row++) {
    for (let column = Math.max(Math.floor(box.left), 0); column < Math.min(box.right, columns); column++) {
      if (((column + 0.5 - middle.x) / wide) ** 2 + ((row + 0.5 - middle.y) / high) ** 2 > 1) continue;
      const value = (samples[row * columns + column] ?? 0) * slope + intercept;
      count += 1;
      sum += value;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  if (count === 0) return [];
  return [
    { quantity: "mean", value: sum / count, unit: "HU" },
    { quantity: "min", value: min, unit: "HU" },
    { quantity: "max", value: max, unit: "HU" },
  ];
}

/** The line that is drawn for a mark. */
export function outline(kind: Kind, points: readonly Point[]): Point[] {
  if (kind !== "area" || points.length < 2) return [...points];
  const { left, top, right, bottom } = boxOf(points);
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  return ellipse(middle, { x: right - middle.x, y: 0 }, { x: 0, y: bottom - middle.y });
}

/** Around `middle`, by its two half axes; closed. */
export function ellipse(middle: Point, one: Point, other: Point): Point[] {
  return Array.from({ length: CORNERS + 1 }, (_unused, at) => {
    const [c, s] = [Math.cos((2 * Math.PI * at) / CORNERS), Math.sin((2 * Math.PI * at) / CORNERS)];
    return { x: middle.x + one.x * c + other.x * s, y: middle.y + one.y * c + other.y * s };
  });
}

function boxOf(points: readonly Point[]): { left: number; top: number; right: number; bottom: number } {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}
