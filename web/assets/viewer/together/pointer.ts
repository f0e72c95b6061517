// The pointer of who presents: an arrow with their name over the image, gone once it rests or its slice is not shown.
import type { Spot } from "../../protocol.gen";
import { type Point, toImage, toStage } from "../geometry";
import type { Viewer } from "../viewer";

type Seen = Pick<Viewer, "slice" | "series" | "view" | "image" | "stage">;

export const RESTS_MS = 3000;

export class RemotePointer {
  #spot: Spot | null = null;
  #rests?: ReturnType<typeof setTimeout>;

  constructor(
    private readonly arrow: HTMLElement,
    private readonly viewer: Seen,
  ) {}

  /** They point there now. */
  show(spot: Spot, name: string): void {
    this.#spot = spot;
    const label = this.arrow.querySelector("span");
    if (label) label.textContent = name;
    clearTimeout(this.#rests);
    this.#rests = setTimeout(() => this.hide(), RESTS_MS);
    this.place();
  }

  hide(): void {
    clearTimeout(this.#rests);
    this.#spot = null;
    this.arrow.hidden = true;
  }

  /** Put it where its place in the image is seen now. */
  place(): void {
    const at = this.#spot && placeOf(this.#spot, this.viewer);
    this.arrow.hidden = !at;
    if (at) this.arrow.style.transform = `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px)`;
  }
}

/** Where a spot lies on the stage; null where it is not seen. */
export function placeOf({ series, sop, frame, x, y }: Spot, viewer: Seen): Point | null {
  const { slice, view, image, stage } = viewer;
  if (viewer.series.uid !== series || slice.sop !== sop || slice.frame !== frame) return null;
  const at = toStage({ x, y }, view, image, stage);
  return at.x < 0 || at.y < 0 || at.x > stage.width || at.y > stage.height ? null : at;
}

/** What is pointed at by a point of the stage. */
export function spotAt(point: Point, { slice, series, view, image, stage }: Seen): Spot {
  const { x, y } = toImage(point, view, image, stage);
  return { series: series.uid, sop: slice.sop, frame: slice.frame, x, y };
}
