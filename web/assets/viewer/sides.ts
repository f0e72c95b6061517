// Which side of the patient lies at which edge of the stage, as the letters everyone in radiology reads (PS3.3 C.7.6.1.1.1).
import { rotated, type Turn } from "./geometry";
import type { SliceGeometry } from "./slice_geometry";

export type Edge = "top" | "right" | "bottom" | "left";

/** DICOM's letters, in the order in which a reader's own are given. */
const DICOM = ["R", "L", "A", "P", "H", "F"];

/** Writes the letters at the edges; `elements` say by `data-edge` which is theirs, `own` is what the reader calls the
 * right, left, front, back, head and feet. Where these are others than DICOM's, those are told beside them. */
export function nameSides(
  elements: HTMLElement[],
  orientation: SliceGeometry["orientation"],
  turn: Turn,
  own: readonly string[] = DICOM,
): void {
  for (const element of elements) {
    const written = sideAt(element.dataset.edge as Edge, orientation, turn);
    const text = [...written].map((letter) => own[DICOM.indexOf(letter)] ?? letter).join("");
    if (element.textContent !== text) element.textContent = text;
    element.title = text === written ? "" : `DICOM: ${written}`;
  }
}

const OUTWARD: Record<Edge, { x: number; y: number }> = {
  top: { x: 0, y: -1 },
  right: { x: 1, y: 0 },
  bottom: { x: 0, y: 1 },
  left: { x: -1, y: 0 },
};
/** Towards the end of each axis of the patient, and towards its beginning. */
const LETTERS = [
  ["L", "R"],
  ["P", "A"],
  ["H", "F"],
] as const;
const SLANT = 0.3;

/** The letters at an edge, the nearest side of the patient first; empty where nothing says how the slice lies. */
export function sideAt(edge: Edge, orientation: SliceGeometry["orientation"], turn: Turn): string {
  if (!orientation) return "";
  const { x, y } = rotated(OUTWARD[edge], -turn);
  const [a, b, c, d, e, f] = orientation;
  return [a * x + d * y, b * x + e * y, c * x + f * y]
    .map((length, axis) => ({ size: Math.abs(length), letter: LETTERS[axis]?.[length > 0 ? 0 : 1] ?? "" }))
    .filter(({ size }) => size > SLANT)
    .sort((one, other) => other.size - one.size)
    .map(({ letter }) => letter)
    .join("");
}
