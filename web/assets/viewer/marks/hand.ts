// What fingers, mouse and keys do with marks on the stage: draw one, take hold of a point, move, delete.
import type { Point } from "../geometry";
import { type Kind, POINTS } from "./measures";

/** Points are CSS pixels of the stage. */
export interface Acts {
  /** The kind that is drawn now; null while dragging does something else. */
  kind(): Kind | null;
  /** Something is being drawn through these points. */
  sketch(kind: Kind, points: Point[]): void;
  add(kind: Kind, points: Point[]): void;
  cancel(): void;
  /** Move a point of a mark, or all of it, by so many CSS pixels. */
  move(id: string, point: number | null, right: number, down: number): void;
  delete(id: string): void;
  undo(): void;
}

const SHORTEST = 6;
const STEP = 1;
const STRIDE = 10;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Hand {
  #points: Point[] = [];
  #held: { id: string; point: number | null; at: Point } | null = null;

  constructor(
    private readonly stage: HTMLElement,
    private readonly svg: SVGSVGElement,
    private readonly acts: Acts,
    signal: AbortSignal,
  ) {
    stage.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    stage.addEventListener("pointermove", (event) => this.#go(event), { signal });
    stage.addEventListener("pointerup", (event) => this.#release(event), { signal });
    stage.addEventListener("pointercancel", () => this.drop(), { signal });
    stage.addEventListener("keydown", (event) => this.#key(event), { signal, capture: true });
    svg.addEventListener("pointerdown", (event) => this.#take(event), { signal });
    svg.addEventListener("pointermove", (event) => this.#pull(event), { signal });
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(
        end,
        () => {
          this.#held = null;
        },
        { signal },
      );
    }
  }

  /** Forget what was begun. */
  drop(): void {
    this.#points = [];
    this.acts.cancel();
  }

  #place(event: MouseEvent): Point {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** A second finger means to zoom: what the first began is no mark. */
  #press(event: PointerEvent): void {
    const kind = this.acts.kind();
    const isLink = event.target instanceof Element && event.target.closest("a") !== null;
    if (!kind || event.button !== 0 || event.shiftKey || isLink) return;
    if (!event.isPrimary) {
      this.drop();
      return;
    }
    const place = this.#place(event);
    this.#points = this.#points.length > 0 ? [...this.#points, place] : [place, place];
    this.acts.sketch(kind, this.#points);
  }

  #go(event: PointerEvent): void {
    const kind = this.acts.kind();
    if (!kind || !event.isPrimary || this.#points.length === 0 || event.buttons === 0) return;
    this.#points[this.#points.length - 1] = this.#place(event);
    this.acts.sketch(kind, this.#points);
  }

  /** An angle waits for its second arm. */
  #release(event: PointerEvent): void {
    const kind = this.acts.kind();
    const [end, before] = [this.#points.at(-1), this.#points.at(-2)];
    if (!kind || !event.isPrimary || !end || !before) return;
    if (Math.hypot(end.x - before.x, end.y - before.y) < SHORTEST) {
      this.#points.pop();
      if (this.#points.length < 2) this.drop();
    } else if (this.#points.length === POINTS[kind]) {
      this.acts.add(kind, this.#points);
      this.#points = [];
    }
  }

  /** While an angle waits for its second arm, the stage gets the press: it begins where the first arm ended. */
  #take(event: PointerEvent): void {
    if (this.#points.length > 0) return;
    const { id, point } = this.#under(event.target);
    if (id === null || event.button !== 0 || !event.isPrimary) return;
    event.stopPropagation();
    event.preventDefault();
    (event.target as Element).closest<SVGElement>("[tabindex]")?.focus({ preventScroll: true });
    this.svg.setPointerCapture(event.pointerId);
    this.#held = { id, point, at: this.#place(event) };
  }

  #pull(event: PointerEvent): void {
    if (!this.#held || !event.isPrimary) return;
    const { id, point, at } = this.#held;
    const place = this.#place(event);
    this.acts.move(id, point, place.x - at.x, place.y - at.y);
    this.#held.at = place;
    event.stopPropagation();
  }

  #key(event: KeyboardEvent): void {
    const { id, point } = this.#under(event.target);
    const act = id === null ? this.#ofStage(event) : this.#ofMark(event, id, point);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #ofMark({ key, shiftKey }: KeyboardEvent, id: string, point: number | null): (() => void) | undefined {
    const [right, down] = ARROWS[key] ?? [0, 0];
    const far = shiftKey ? STRIDE : STEP;
    if (right || down) return () => this.acts.move(id, point, right * far, down * far);
    return key === "Delete" || key === "Backspace" ? () => this.acts.delete(id) : undefined;
  }

  /** Enter draws a mark in the middle, of which each point can then be moved. */
  #ofStage({ key, ctrlKey, metaKey }: KeyboardEvent): (() => void) | undefined {
    const kind = this.acts.kind();
    if (key === "Enter" && kind) return () => this.acts.add(kind, this.#middle(kind));
    if (key === "Escape" && this.#points.length > 0) return () => this.drop();
    return key === "z" && (ctrlKey || metaKey) ? () => this.acts.undo() : undefined;
  }

  #middle(kind: Kind): Point[] {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const [x, y, step] = [width / 2, height / 2, Math.min(width, height) / 8];
    const points = [
      { x: x - step, y: kind === "length" ? y : y - step },
      { x: x + step, y: kind === "length" ? y : y + step },
      { x: x + step, y: y - step },
    ];
    return points.slice(0, POINTS[kind]);
  }

  #under(target: EventTarget | null): { id: string | null; point: number | null } {
    const element = target instanceof Element ? target : null;
    const id = element?.closest<SVGElement>("[data-mark]")?.dataset.mark ?? null;
    const point = element?.closest<SVGElement>("[data-point]")?.dataset.point;
    return { id, point: point === undefined ? null : Number(point) };
  }
}
